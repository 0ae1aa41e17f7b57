/// The numbers that Python writes and JSON does not have.
///
/// Python's `json` writes `NaN`, `Infinity` and `-Infinity`, and so do clients in Python. Here they become strings of
/// the same letters, which pydantic reads as these numbers where a number is expected.
enum NonFinite {
  private static let tokens = ["NaN", "Infinity", "-Infinity"].map { Array($0.utf8) }

  /// Puts the tokens that stand outside of strings into quotation marks; `nil` when there are none.
  static func quoted(_ text: [UInt8]) -> [UInt8]? {
    var result: [UInt8] = []
    // Up to where the text was copied.
    var copied = 0
    var offset = 0
    while offset < text.count {
      if text[offset] == UInt8(ascii: "\"") {
        offset = endOfString(text, offset)
      } else if let token = token(text, offset) {
        result += text[copied..<offset]
        result.append(UInt8(ascii: "\""))
        result += token
        result.append(UInt8(ascii: "\""))
        offset += token.count
        copied = offset
      } else {
        offset += 1
      }
    }
    return copied == 0 ? nil : result + text[copied...]
  }

  private static func token(_ text: [UInt8], _ offset: Int) -> [UInt8]? {
    switch text[offset] {
    case UInt8(ascii: "N"), UInt8(ascii: "I"), UInt8(ascii: "-"): tokens.first { text[offset...].starts(with: $0) }
    default: nil
    }
  }

  private static func endOfString(_ text: [UInt8], _ start: Int) -> Int {
    var offset = start + 1
    while offset < text.count, text[offset] != UInt8(ascii: "\"") {
      offset += text[offset] == UInt8(ascii: "\\") ? 2 : 1
    }
    return offset + 1
  }
}
