import JSON

/// What must not be recorded.
///
/// Pointers name places in the JSON of requests and answers; patterns are looked for in every text that is recorded. A
/// streamed answer is looked at once it is complete, and a pointer names in it what it would name had the answer come at
/// once. Where that cannot be told for certain, all that the pointer might name is left out.
///
/// Log probabilities and token ids spell out the text that they belong to. Where that was changed, they are left out.
package struct Redaction: Sendable {
  /// What stands in place of what was found.
  package static let replacement = "[redacted]"

  let pointers: [JSONPointer]
  let patterns: [TextPattern]

  /// Nothing is replaced.
  package init() { (pointers, patterns) = ([], []) }

  /// Whether there is nothing to leave out.
  var isEmpty: Bool { pointers.isEmpty && patterns.isEmpty }

  /// Compiles the rules.
  ///
  /// - Parameters:
  ///   - pointers: JSON pointers, in which a segment `*` stands for every member and element.
  ///   - patterns: Regular expressions in the syntax of
  ///     [PCRE2](https://www.pcre.org/current/doc/html/pcre2pattern.html), matched against UTF-8.
  package init(pointers: [String], patterns: [String]) throws(RedactionError) {
    var parsed: [JSONPointer] = []
    for pointer in pointers { parsed.append(try JSONPointer(pointer)) }
    var compiled: [TextPattern] = []
    for pattern in patterns { compiled.append(try TextPattern(pattern)) }
    (self.pointers, self.patterns) = (parsed, compiled)
  }

  /// Replaces what the patterns find.
  ///
  /// - Returns: Whether there was something.
  func redact(_ text: inout String) -> Bool {
    var isChanged = false
    for pattern in patterns { isChanged = pattern.replaceMatches(in: &text, by: Self.replacement) || isChanged }
    return isChanged
  }

  /// Replaces what the patterns find in JSON: in what its strings say, however they are escaped, and then in its text.
  ///
  /// What was cut or is no JSON is searched as one text without escapes.
  func redact(json: inout String) -> Bool {
    guard !patterns.isEmpty else { return false }
    var isChanged = false
    if let document = try? JSONDocument(parsing: Array(json.utf8)) {
      var edits: [(range: Range<Int>, text: String)] = []
      var place = JSONDocument.root
      // The places lie in the order of the text, keys as well.
      while place < document.end(JSONDocument.root) {
        if document.isString(place) {
          var text = document.string(place)
          if redact(&text) { edits.append((document.text(place), text)) }
        }
        place += 1
      }
      isChanged = !edits.isEmpty
      if isChanged { json = String(decoding: document.replacing(edits), as: UTF8.self) }
    } else if json.utf8.contains(UInt8(ascii: "\\")) {
      for pattern in patterns {
        isChanged = pattern.replaceMatches(inEscaped: &json, by: Self.replacement) || isChanged
      }
    }
    return redact(&json) || isChanged
  }

  /// Where what the pointers name lies, in order and without overlaps.
  func places(in document: JSONDocument) -> [Range<Int>] { Self.places(of: pointers, in: document) }

  private static func places(of pointers: [JSONPointer], in document: JSONDocument) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    for pointer in pointers { pointer.collect(in: document, &ranges) }
    ranges.sort { ($0.lowerBound, -$0.upperBound) < ($1.lowerBound, -$1.upperBound) }
    var places: [Range<Int>] = []
    for range in ranges where range.lowerBound >= places.last?.upperBound ?? 0 { places.append(range) }
    return places
  }

  /// The document with the replacement in the places of values.
  ///
  /// - Precondition: The places are in order and do not overlap.
  func redacted(_ document: JSONDocument, at places: [Range<Int>]) -> JSONDocument? {
    // Values were replaced by strings, so it is JSON still.
    try? JSONDocument(parsing: document.replacing(places.map { ($0, Self.replacement) }))
  }
}

// What pointers do to a value of a streamed answer.
extension Redaction {
  enum Effect: Hashable {
    case none
    /// Something inside of it is named.
    case inside([JSONPointer])
    case replaced
    /// It lies in something that is named, of which nothing is left.
    case removed
  }

  /// What the pointers do to the value that would stand at one of the places.
  func effect(at places: [AnswerPlace]) -> Effect {
    var inner: [JSONPointer] = []
    var isReplaced = false
    for pointer in pointers {
      for place in places {
        switch pointer.relation(to: place) {
        case .elsewhere: break
        case .above: return .removed
        case .same: isReplaced = true
        case .inside(let rest): inner.append(rest)
        }
      }
    }
    return isReplaced ? .replaced : inner.isEmpty ? .none : .inside(inner)
  }

  /// A string after the pointers; nothing is inside of one.
  func redacted(_ text: String?, at places: [AnswerPlace]) -> String? {
    guard let text, !text.isEmpty else { return text }
    return switch effect(at: places) {
    case .none, .inside: text
    case .replaced: Self.replacement
    case .removed: nil
    }
  }

  /// JSON without what pointers name in it; all of it is replaced when it is no JSON.
  static func redact(json: inout [UInt8], _ pointers: [JSONPointer]) -> Bool {
    guard let document = try? JSONDocument(parsing: json) else {
      json = Array("\"\(replacement)\"".utf8)
      return true
    }
    let places = places(of: pointers, in: document)
    guard !places.isEmpty else { return false }
    json = document.replacing(places.map { ($0, replacement) })
    return true
  }
}

/// Why a rule was refused.
package struct RedactionError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The pointer or pattern.
  package var rule: String
  /// The offset of the byte at which the error was noticed.
  package var offset: Int
  package var message: String

  package var description: String { "\(message) at offset \(offset) of \"\(rule)\"" }
}

extension JSONDocument {
  /// The text with some parts replaced by strings.
  ///
  /// - Precondition: The ranges are in order and do not overlap.
  fileprivate func replacing(_ edits: [(range: Range<Int>, text: String)]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count + edits.count * Redaction.replacement.utf8.count)
    var position = 0
    for edit in edits {
      result += bytes[position..<edit.range.lowerBound]
      var writer = JSONWriter()
      writer.string(edit.text)
      result += writer.bytes
      position = edit.range.upperBound
    }
    return result + bytes[position...]
  }
}
