import GenAI
import Transport

/// Where a request goes.
struct CallTarget {
  let upstream: Upstream
  let route: LLMRoute
  /// The family whose errors the client reads.
  let family: Upstream.Family
  /// What follows the version, with the provider's name of the model.
  var path: String
  /// The query without credentials.
  let query: String?
  /// The body where it differs from what the client sent.
  var body: [UInt8]?
  /// Whether the client is not to see the record with the usage.
  var hidesUsage: Bool
}

extension LLMProxy {
  /// Finds the upstream of a request, and what it gets.
  func target(_ request: HTTPRequest, _ path: ProxyPath, _ caller: Caller, _ body: [UInt8]) throws(ProxyFault)
    -> CallTarget
  {
    let route = LLMRoute(request.method, path.path)
    let model = RequestedModel(route, path.path, request, body)
    let upstream = try upstream(request, path, route, model)
    guard let route = route ?? Self.allowed(request.method, path, upstream) else {
      throw ProxyFault(404, "not_found_error", "no API of a provider is served at this path", code: "not_found")
    }
    try model.check(upstream, caller)
    var target = CallTarget(
      upstream: upstream, route: route, family: route.family ?? upstream.family, path: path.path,
      query: Self.withoutKey(request.query, upstream, caller), body: nil, hidesUsage: false)
    model.rename(for: upstream, &target, body)
    if case .call(let api) = route, let outline = model.outline {
      let changes = RequestChanges(upstream, api, outline)
      target.body = changes.apply(to: body)
      target.hidesUsage = changes.asksForUsage
    }
    return target
  }

  private func upstream(
    _ request: HTTPRequest, _ path: ProxyPath, _ route: LLMRoute?, _ model: RequestedModel
  ) throws(ProxyFault) -> Upstream {
    if let name = path.upstream, let selected = table.upstreams.first(where: { $0.name == name }) { return selected }
    if let name = model.name, let declaring = table.declaring(model: name) { return declaring }
    let family = route?.family ?? (request.headers.first("anthropic-version") == nil ? nil : .anthropic)
    if let upstream = table.fallback(family) { return upstream }
    throw ProxyFault(
      404, "not_found_error", "say by the path which upstream is meant: \(table.prefixes)",
      code: "upstream_not_selected")
  }

  /// Paths that the configuration lets through.
  private static func allowed(_ method: HTTPMethod, _ path: ProxyPath, _ upstream: Upstream) -> LLMRoute? {
    guard LLMRoute.isPassedOn(method) else { return nil }
    let whole = (path.version ?? "") + path.path
    let isAllowed = upstream.paths.contains { prefix in
      [whole, path.path].contains { $0 == prefix || $0.hasPrefix(prefix.hasSuffix("/") ? prefix : prefix + "/") }
    }
    return isAllowed ? .passThrough(upstream.family) : nil
  }

  /// The query without `key`, where Gemini's clients put the credential, unless it is the provider's own.
  private static func withoutKey(_ query: String?, _ upstream: Upstream, _ caller: Caller) -> String? {
    guard let query, upstream.key != nil || caller.identity != nil else { return query }
    let kept = query.split(separator: "&").filter { part in
      let name = part.prefix { $0 != "=" }
      return PercentEncoding.parameters(String(name)).first?.name != "key"
    }
    return kept.joined(separator: "&")
  }
}
