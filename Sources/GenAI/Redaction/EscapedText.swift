/// A piece of JSON, whole or not, and what it says: the text without the escapes of strings
/// ([RFC 8259, section 7](https://www.rfc-editor.org/rfc/rfc8259#section-7)).
///
/// What is no escape stands for itself. Where something was written is found by going through the text once more: a list of
/// offsets would be several times as large.
struct EscapedText {
  private let written: [UInt8]

  init(_ written: String) { self.written = Array(written.utf8) }

  /// The text without escapes.
  var said: String {
    var said: [UInt8] = []
    said.reserveCapacity(written.count)
    var position = 0
    while let escape = nextEscape(from: position) {
      said += written[position..<escape.range.lowerBound]
      said += escape.said.utf8
      position = escape.range.upperBound
    }
    said += written[position...]
    return String(decoding: said, as: UTF8.self)
  }

  /// Where parts of what is said were written, as offsets of bytes.
  ///
  /// - Precondition: The parts are in order, do not overlap, and begin and end between characters.
  func written(_ parts: [Range<Int>]) -> [Range<Int>] {
    var escape = nextEscape(from: 0)
    // By how much what was written is ahead of what is said.
    var shift = 0
    func offset(_ said: Int) -> Int {
      while let passed = escape, passed.range.lowerBound - shift < said {
        shift += passed.range.count - passed.said.utf8.count
        escape = nextEscape(from: passed.range.upperBound)
      }
      return said + shift
    }
    return parts.map { offset($0.lowerBound)..<offset($0.upperBound) }
  }

  /// The first escape at an offset or behind it.
  private func nextEscape(from start: Int) -> (range: Range<Int>, said: Unicode.Scalar)? {
    var position = start
    while let backslash = written[position...].firstIndex(of: UInt8(ascii: "\\")) {
      if let (said, length) = escape(at: backslash) { return (backslash..<backslash + length, said) }
      position = backslash + 1
    }
    return nil
  }

  /// What an escape says, and its length; `nil` for a backslash that begins none.
  private func escape(at backslash: Int) -> (said: Unicode.Scalar, length: Int)? {
    guard backslash + 1 < written.count else { return nil }
    let letter = Unicode.Scalar(written[backslash + 1])
    switch letter {
    case "\"", "\\", "/": return (letter, 2)
    case "b": return ("\u{08}", 2)
    case "f": return ("\u{0C}", 2)
    case "n": return ("\n", 2)
    case "r": return ("\r", 2)
    case "t": return ("\t", 2)
    case "u": return unicodeEscape(at: backslash)
    default: return nil
    }
  }

  private func unicodeEscape(at backslash: Int) -> (said: Unicode.Scalar, length: Int)? {
    guard let first = codeUnit(at: backslash) else { return nil }
    if let scalar = Unicode.Scalar(first) { return (scalar, 6) }
    // Half of a pair.
    if UTF16.isLeadSurrogate(first), let second = codeUnit(at: backslash + 6), UTF16.isTrailSurrogate(second),
      let scalar = String(decoding: [first, second], as: UTF16.self).unicodeScalars.first
    {
      return (scalar, 12)
    }
    return ("\u{FFFD}", 6)
  }

  /// The code unit that `\uXXXX` names.
  private func codeUnit(at backslash: Int) -> UInt16? {
    guard backslash + 6 <= written.count, written[backslash] == UInt8(ascii: "\\"),
      written[backslash + 1] == UInt8(ascii: "u")
    else { return nil }
    var unit: UInt16 = 0
    for byte in written[backslash + 2..<backslash + 6] {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
      unit = unit << 4 | UInt16(digit)
    }
    return unit
  }
}
