import JSON

extension JaegerSearch {
  /// Adds `key:value`; values may hold colons, keys do not.
  mutating func addTag(_ text: String) throws(JaegerFault) {
    guard let colon = text.firstIndex(of: ":") else {
      throw JaegerFault(400, "malformed 'tag' parameter, expecting key:value, received: \(text.prefix(256))")
    }
    try add(String(text[..<colon]), String(text[text.index(after: colon)...]))
  }

  /// Adds the members of a JSON object.
  mutating func addTags(_ json: String, _ name: String) throws(JaegerFault) {
    guard let document = try? JSONDocument(parsing: Array(json.utf8), maximumDepth: 2),
      document.kind(JSONDocument.root) == .object
    else { throw JaegerFault(400, "malformed \(name), expecting a JSON object of texts") }
    for key in document.keys(JSONDocument.root) {
      switch document.kind(key + 1) {
      case .string, .plainString: try add(document.string(key), document.string(key + 1))
      // Jaeger wants texts; what else has one form as a text means it.
      case .true: try add(document.string(key), "true")
      case .false: try add(document.string(key), "false")
      case .integer, .double:
        let number = document.bytes[document.content(key + 1)]
        try add(document.string(key), String(decoding: number, as: UTF8.self))
      case .null, .array, .object:
        throw JaegerFault(400, "malformed \(name), expecting a JSON object of texts")
      }
    }
  }

  /// The last value of a key counts.
  private mutating func add(_ key: String, _ value: String) throws(JaegerFault) {
    tags.removeAll { $0.key.utf8.elementsEqual(key.utf8) }
    tags.append((key, value))
    guard tags.count <= Self.mostTags else { throw JaegerFault(400, "more than \(Self.mostTags) tags") }
  }
}
