import APISupport
import JSON
import Transport

/// The models that the configuration names: what clients can ask for, where it is not all that a provider has.
extension LLMProxy {
  /// Answers a request for the list of models, or for one of them.
  ///
  /// - Returns: `nil` for other requests, and where the provider is to answer.
  func models(_ request: HTTPRequest, _ path: ProxyPath) throws(ProxyFault) -> HTTPResponse? {
    guard LLMRoute(request.method, path.path) == .models else { return nil }
    let family: Upstream.Family? = request.headers.first("anthropic-version") == nil ? nil : .anthropic
    let selected = path.upstream.flatMap { name in table.upstreams.first { $0.name == name } } ?? table.fallback(family)
    let upstreams = selected.map { [$0] } ?? table.upstreams
    // An upstream that passes on any model knows best which there are.
    guard upstreams.allSatisfy({ !$0.models.isEmpty }) else { return nil }
    let entries = upstreams.flatMap { upstream in upstream.models.map { (id: $0.alias, owner: upstream.provider) } }
    let shape = selected?.family ?? family ?? .openai
    guard path.path != "/models" else { return Self.list(entries, shape) }
    let id = PercentEncoding.decode(path.path.dropFirst("/models/".count))
    guard let entry = entries.first(where: { $0.id == id }) else {
      throw ProxyFault(404, "not_found_error", "no such model is configured", code: "model_not_found")
    }
    return JSONAnswer.make { Self.write(entry, shape, &$0) }
  }

  private static func list(_ entries: [(id: String, owner: String)], _ family: Upstream.Family) -> HTTPResponse {
    JSONAnswer.make { writer in
      writer.beginObject()
      switch family {
      case .openai:
        writer.key("object")
        writer.string("list")
        writer.key("data")
      case .anthropic:
        writer.key("has_more")
        writer.bool(false)
        writer.key("data")
      case .gemini: writer.key("models")
      }
      writer.beginArray()
      for entry in entries { write(entry, family, &writer) }
      writer.endArray()
      writer.endObject()
    }
  }

  private static func write(_ entry: (id: String, owner: String), _ family: Upstream.Family, _ writer: inout JSONWriter)
  {
    writer.beginObject()
    switch family {
    case .openai:
      writer.key("id")
      writer.string(entry.id)
      writer.key("object")
      writer.string("model")
      writer.key("created")
      writer.integer(0)
      writer.key("owned_by")
      writer.string(entry.owner)
    case .anthropic:
      writer.key("type")
      writer.string("model")
      writer.key("id")
      writer.string(entry.id)
      writer.key("display_name")
      writer.string(entry.id)
      writer.key("created_at")
      writer.string("1970-01-01T00:00:00Z")
    case .gemini:
      writer.key("name")
      writer.string("models/" + entry.id)
    }
    writer.endObject()
  }
}
