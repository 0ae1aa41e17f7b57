import JSON

/// Values as Python's `str` shows them, for messages.
enum PythonText {
  /// Longer texts are cut: a message is for people.
  private static let maximumLength = 200

  static func text(_ document: JSONDocument, _ place: Int) -> String {
    if document.isString(place) { return String(document.string(place).prefix(maximumLength)) }
    return String(element(document, place, depth: 0).prefix(maximumLength))
  }

  private static func element(_ document: JSONDocument, _ place: Int, depth: Int) -> String {
    guard depth < 8 else { return "..." }
    switch document.kind(place) {
    case .null: return "None"
    case .true: return "True"
    case .false: return "False"
    case .integer, .double: return String(decoding: document.bytes[document.text(place)], as: UTF8.self)
    case .string, .plainString: return "'\(document.string(place).prefix(maximumLength))'"
    case .array:
      let elements = document.elements(place).prefix(maximumLength).map { element(document, $0, depth: depth + 1) }
      return "[\(elements.joined(separator: ", "))]"
    case .object:
      let members = document.keys(place).prefix(maximumLength).map { key in
        element(document, key, depth: depth + 1) + ": " + element(document, key + 1, depth: depth + 1)
      }
      return "{\(members.joined(separator: ", "))}"
    }
  }
}
