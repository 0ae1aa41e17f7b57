import GenAI
import Transport

/// The model that a request asks for: a member of its body, or with Gemini a part of its path.
struct RequestedModel {
  /// Whether requests of the route name a model.
  private let isNeeded: Bool
  /// Whether the body can be read, as far as that was tried.
  private let isReadable: Bool
  private let isInPath: Bool
  let name: String?
  /// Of a body that names the model.
  let outline: RequestOutline?

  init(_ route: LLMRoute?, _ path: String, _ request: HTTPRequest, _ body: [UInt8]) {
    isInPath = path.hasPrefix("/models/") && path.contains(":")
    let inBody = !isInPath && (Self.isCall(route) || path == "/messages/count_tokens")
    isNeeded = isInPath || inBody
    guard inBody else {
      outline = isInPath ? RequestOutline(body.span) : nil
      name = isInPath ? Self.name(inPath: path) : nil
      isReadable = true
      return
    }
    // What is compressed says nothing here, whatever it looks like.
    let coding = request.headers.first("content-encoding") ?? "identity"
    outline = coding == "identity" ? RequestOutline(body.span) : nil
    name = outline?.model
    isReadable = outline != nil && outline?.hasSeveralModels == false
  }

  private static func isCall(_ route: LLMRoute?) -> Bool { if case .call = route { true } else { false } }

  private static func name(inPath path: String) -> String? {
    guard let colon = path.lastIndex(of: ":") else { return nil }
    return PercentEncoding.decode(path[..<colon].dropFirst("/models/".count))
  }

  /// Refuses models that the upstream does not serve, or the key does not allow.
  ///
  /// Where either is limited, a request must say its model so that it can be read in one way.
  func check(_ upstream: Upstream, _ caller: Caller) throws(ProxyFault) {
    guard isNeeded, !upstream.models.isEmpty || caller.hasModelLimit else { return }
    guard isReadable, let name else {
      throw ProxyFault(
        400, "invalid_request_error", "the request must name its model once, in plain JSON", code: "model_not_readable")
    }
    guard upstream.models.isEmpty || upstream.models.contains(where: { $0.alias == name }) else {
      throw ProxyFault(
        404, "not_found_error", "upstream \(upstream.name) does not serve model \(name.prefix(128))",
        code: "model_not_found")
    }
    guard caller.allows(model: name) else {
      throw ProxyFault(
        403, "permission_error", "this key does not allow model \(name.prefix(128))", code: "model_not_allowed")
    }
  }

  /// Puts the provider's name in place of an alias, where no other change of the body does.
  func rename(for upstream: Upstream, _ target: inout CallTarget, _ body: [UInt8]) {
    guard let name, let model = upstream.models.first(where: { $0.alias == name })?.model, model != name else { return }
    if isInPath {
      guard let colon = target.path.lastIndex(of: ":") else { return }
      target.path = "/models/" + PercentEncoding.encode(model) + target.path[colon...]
    } else if let outline, !Self.isCall(target.route) {
      target.body = outline.replacingModel(with: model, in: body)
    }
  }
}
