import JSON

/// A JSON pointer ([RFC 6901](https://www.rfc-editor.org/rfc/rfc6901)) with wildcards.
///
/// A segment `*` stands for every member of an object and every element of an array; a key of that name cannot be named on
/// its own.
struct JSONPointer: Sendable, Hashable {
  private let segments: [String]

  private init(_ segments: ArraySlice<String>) { self.segments = Array(segments) }

  init(_ text: String) throws(RedactionError) {
    var segments: [String] = []
    var offset = 0
    // "" names the whole document.
    guard !text.isEmpty else { throw RedactionError(rule: text, offset: 0, message: "a pointer to everything") }
    guard text.utf8.first == UInt8(ascii: "/") else {
      throw RedactionError(rule: text, offset: 0, message: "a JSON pointer begins with \"/\"")
    }
    for segment in text.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
      offset += 1
      segments.append(try Self.unescape(segment, offset, in: text))
      offset += segment.utf8.count
    }
    self.segments = segments
  }

  /// `~1` is `/`, and `~0` is `~`.
  private static func unescape(_ segment: Substring, _ start: Int, in rule: String) throws(RedactionError) -> String {
    var result: [UInt8] = []
    var bytes = Array(segment.utf8)[...]
    while let byte = bytes.popFirst() {
      guard byte == UInt8(ascii: "~") else {
        result.append(byte)
        continue
      }
      switch bytes.popFirst() {
      case UInt8(ascii: "0"): result.append(UInt8(ascii: "~"))
      case UInt8(ascii: "1"): result.append(UInt8(ascii: "/"))
      default:
        throw RedactionError(
          rule: rule, offset: start + max(bytes.startIndex - 2, 0), message: "\"~\" is not followed by 0 or 1")
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// Finds where the values lie that this names; where `null` or an empty string stands, there is nothing to hide.
  func collect(in document: JSONDocument, _ ranges: inout [Range<Int>]) {
    collect(segments[...], document, JSONDocument.root, &ranges)
  }

  /// As deep as the pointer has segments.
  private func collect(
    _ rest: ArraySlice<String>, _ document: JSONDocument, _ place: Int, _ ranges: inout [Range<Int>]
  ) {
    guard let segment = rest.first else {
      let isNothing = document.kind(place) == .null || document.isString(place) && document.content(place).isEmpty
      if !isNothing { ranges.append(document.text(place)) }
      return
    }
    switch document.kind(place) {
    case .object:
      for key in document.keys(place) where segment == "*" || document.string(key) == segment {
        collect(rest.dropFirst(), document, key + 1, &ranges)
      }
    case .array:
      let wanted = Int(segment)
      for (index, element) in document.elements(place).enumerated() where segment == "*" || index == wanted {
        collect(rest.dropFirst(), document, element, &ranges)
      }
    default: break
    }
  }

  /// Where what this names lies, seen from a place.
  enum Relation: Hashable {
    case elsewhere
    /// Around it.
    case above
    case same
    /// Inside of it, where the pointer leads.
    case inside(JSONPointer)
  }

  func relation(to place: AnswerPlace) -> Relation {
    for (segment, step) in zip(segments, place.steps) where segment != "*" && !step.matches(segment) {
      return .elsewhere
    }
    if segments.count < place.steps.count { return .above }
    return segments.count == place.steps.count ? .same : .inside(JSONPointer(segments[place.steps.count...]))
  }
}
