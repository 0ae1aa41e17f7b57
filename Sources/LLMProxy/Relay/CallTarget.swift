import GenAI
import Transport

/// Where a request goes.
struct CallTarget {
  let upstream: Upstream
  let route: LLMRoute
  /// The family whose errors the client reads.
  let family: Upstream.Family
  /// The query without credentials.
  let query: String?
  /// The body where it differs from what the client sent.
  let body: [UInt8]?
  /// Whether the client is not to see the record with the usage.
  let hidesUsage: Bool
}

extension LLMProxy {
  /// Finds the upstream of a request, and what it gets.
  func target(_ request: HTTPRequest, _ path: ProxyPath, _ caller: Caller, _ body: [UInt8]) throws(ProxyFault)
    -> CallTarget
  {
    let route = LLMRoute(request.method, path.path)
    let outline = isCall(route) ? RequestOutline(body.span) : nil
    let upstream = try upstream(request, path, route, outline)
    guard let route = route ?? Self.allowed(path, upstream) else {
      throw ProxyFault(404, "not_found_error", "no API of a provider is served at this path", code: "not_found")
    }
    var changed: [UInt8]?
    var hidesUsage = false
    if case .call(let api) = route, let outline {
      if let model = outline.model { try check(model, upstream, caller) }
      let changes = RequestChanges(upstream, api, outline)
      changed = changes.apply(to: body)
      hidesUsage = changes.asksForUsage
    }
    return CallTarget(
      upstream: upstream, route: route, family: route.family ?? upstream.family,
      query: Self.withoutKey(request.query, upstream), body: changed, hidesUsage: hidesUsage)
  }

  private func isCall(_ route: LLMRoute?) -> Bool { if case .call = route { true } else { false } }

  private func upstream(
    _ request: HTTPRequest, _ path: ProxyPath, _ route: LLMRoute?, _ outline: RequestOutline?
  ) throws(ProxyFault) -> Upstream {
    if let name = path.upstream, let selected = table.upstreams.first(where: { $0.name == name }) { return selected }
    if let model = outline?.model, let declaring = table.declaring(model: model) { return declaring }
    let family = route?.family ?? (request.headers.first("anthropic-version") == nil ? nil : .anthropic)
    if let upstream = table.fallback(family) { return upstream }
    throw ProxyFault(
      404, "not_found_error", "say by the path which upstream is meant: \(table.prefixes)",
      code: "upstream_not_selected")
  }

  private func check(_ model: String, _ upstream: Upstream, _ caller: Caller) throws(ProxyFault) {
    guard upstream.models.isEmpty || upstream.models.contains(where: { $0.alias == model }) else {
      throw ProxyFault(
        404, "not_found_error", "upstream \(upstream.name) does not serve model \(model.prefix(128))",
        code: "model_not_found")
    }
    guard caller.allows(model: model) else {
      throw ProxyFault(
        403, "permission_error", "this key does not allow model \(model.prefix(128))", code: "model_not_allowed")
    }
  }

  /// Paths that the configuration lets through.
  private static func allowed(_ path: ProxyPath, _ upstream: Upstream) -> LLMRoute? {
    let whole = (path.version ?? "") + path.path
    let isAllowed = upstream.paths.contains { prefix in
      [whole, path.path].contains { $0 == prefix || $0.hasPrefix(prefix.hasSuffix("/") ? prefix : prefix + "/") }
    }
    return isAllowed ? .passThrough(upstream.family) : nil
  }

  /// The query without `key`, where Gemini's clients put the credential.
  private static func withoutKey(_ query: String?, _ upstream: Upstream) -> String? {
    guard let query, upstream.key != nil else { return query }
    return query.split(separator: "&").filter { !$0.hasPrefix("key=") }.joined(separator: "&")
  }
}
