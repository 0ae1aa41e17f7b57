import JSON

/// What must not be recorded.
///
/// Pointers name places in the JSON of requests and of answers that come at once; patterns are looked for in every text that
/// is recorded, in streamed answers too, where a text is looked at once it is complete. A streamed answer has no one
/// document, so pointers do not reach it.
///
/// Log probabilities and token ids spell out the text that they belong to. Where a pattern has matched, they are left out;
/// who hides a text by a pointer has to name them as well.
package struct Redaction: Sendable {
  /// What stands in place of what was found.
  package static let replacement = "[redacted]"

  let pointers: [JSONPointer]
  let patterns: [TextPattern]

  /// Nothing is replaced.
  package init() { (pointers, patterns) = ([], []) }

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
    }
    return redact(&json) || isChanged
  }

  /// Replaces what the pointers name.
  func redacted(_ document: JSONDocument) -> JSONDocument {
    var ranges: [Range<Int>] = []
    for pointer in pointers { pointer.collect(in: document, &ranges) }
    guard !ranges.isEmpty else { return document }
    ranges.sort { ($0.lowerBound, -$0.upperBound) < ($1.lowerBound, -$1.upperBound) }
    var edits: [(range: Range<Int>, text: String)] = []
    for range in ranges where range.lowerBound >= edits.last?.range.upperBound ?? 0 {
      edits.append((range, Self.replacement))
    }
    // Values were replaced by strings, so it is JSON still.
    return (try? JSONDocument(parsing: document.replacing(edits))) ?? document
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
