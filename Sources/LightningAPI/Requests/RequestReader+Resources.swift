import JSON
import Telemetry

// The resources of AGL store contract, section 4.
extension RequestReader {
  private enum Engine: String, CaseIterable { case jinja, fString = "f-string", poml }

  private static let types = ["llm", "proxy_llm", "prompt_template"]

  /// `NamedResources`, with the members of each model in its order, defaults for those that are absent, and no others.
  mutating func resources() -> JSONText {
    let root = JSONDocument.root
    guard document.kind(root) == .object else {
      note(.notDictionary, at: root)
      return .emptyObject
    }
    var writer = JSONWriter()
    writer.beginObject()
    for key in DistinctMembers.keys(document, root) {
      let name = document.string(key)
      writer.key(name)
      within(.name(name)) { reader in reader.resource(key + 1, &writer) }
    }
    writer.endObject()
    return JSONText(String(decoding: writer.bytes, as: UTF8.self))
  }

  private mutating func resource(_ place: Int, _ writer: inout JSONWriter) {
    guard isObject(place) else { return writer.null() }
    guard let tag = document.member(place, "resource_type") else {
      note(
        RequestFault(
          "union_tag_not_found", "Unable to extract tag using discriminator 'resource_type'",
          context: [("discriminator", JSONText(string: "'resource_type'"))]), at: place)
      return writer.null()
    }
    let type = PythonText.text(document, tag)
    guard Self.types.contains(type), document.isString(tag) else {
      note(.unknownTag(type, "resource_type", Self.types), at: place)
      return writer.null()
    }
    within(.name(type)) { reader in
      writer.beginObject()
      writer.key("resource_type")
      writer.string(type)
      if type == "prompt_template" { reader.template(place, &writer) } else { reader.model(place, &writer) }
      writer.endObject()
    }
  }

  /// `LLM` and `ProxyLLM`.
  private mutating func model(_ place: Int, _ writer: inout JSONWriter) {
    for name: StaticString in ["endpoint", "model"] {
      writer.key(name)
      writer.string(required(place, name, or: "") { reader, place in reader.string(place) })
    }
    writer.key("api_key")
    writer.string(nullable(place, "api_key") { reader, place in reader.string(place) })
    writer.key("sampling_parameters")
    writer.text(optional(place, "sampling_parameters") { reader, place in reader.dictionary(place) } ?? .emptyObject)
  }

  /// `PromptTemplate`.
  private mutating func template(_ place: Int, _ writer: inout JSONWriter) {
    writer.key("template")
    writer.string(required(place, "template", or: "") { reader, place in reader.string(place) })
    writer.key("engine")
    let engine: Engine? = required(place, "engine", or: nil) { reader, place in reader.word(place) }
    writer.string(engine?.rawValue)
  }
}

extension RequestFault {
  fileprivate static func unknownTag(_ tag: String, _ discriminator: String, _ tags: [String]) -> RequestFault {
    let expected = tags.map { "'\($0)'" }.joined(separator: ", ")
    return RequestFault(
      "union_tag_invalid",
      "Input tag '\(tag)' found using '\(discriminator)' does not match any of the expected tags: \(expected)",
      context: [
        ("discriminator", JSONText(string: "'\(discriminator)'")), ("tag", JSONText(string: tag)),
        ("expected_tags", JSONText(string: expected)),
      ])
  }
}
