/// What a piece of JSON says, whole or not: the text without the escapes of strings
/// ([RFC 8259, section 7](https://www.rfc-editor.org/rfc/rfc8259#section-7)), and where each byte of it was written.
///
/// What is no escape stands for itself.
struct EscapedText {
  private(set) var said: String
  /// For each byte of what is said, and for its end, the offset in the text that was written.
  let offsets: [Int]

  init(_ written: String) {
    let written = Array(written.utf8)
    var said: [UInt8] = []
    var offsets: [Int] = []
    var position = 0
    while position < written.count {
      guard written[position] == UInt8(ascii: "\\") else {
        said.append(written[position])
        offsets.append(position)
        position += 1
        continue
      }
      let (bytes, length) = Self.escape(in: written, at: position)
      said += bytes
      for _ in bytes { offsets.append(position) }
      position += length
    }
    self.said = String(decoding: said, as: UTF8.self)
    self.offsets = offsets + [written.count]
  }

  /// What an escape says, and its length; a backslash that begins none stands for itself.
  private static func escape(in written: [UInt8], at position: Int) -> (said: [UInt8], length: Int) {
    let byte = written[position]
    guard position + 1 < written.count else { return ([byte], 1) }
    switch written[position + 1] {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return ([written[position + 1]], 2)
    case UInt8(ascii: "b"): return ([0x08], 2)
    case UInt8(ascii: "f"): return ([0x0C], 2)
    case UInt8(ascii: "n"): return ([0x0A], 2)
    case UInt8(ascii: "r"): return ([0x0D], 2)
    case UInt8(ascii: "t"): return ([0x09], 2)
    case UInt8(ascii: "u"): return unicode(in: written, at: position) ?? ([byte], 1)
    default: return ([byte], 1)
    }
  }

  private static func unicode(in written: [UInt8], at position: Int) -> (said: [UInt8], length: Int)? {
    guard let first = codeUnit(in: written, at: position) else { return nil }
    if let scalar = Unicode.Scalar(first) { return (Array(String(scalar).utf8), 6) }
    // Half of a pair.
    if UTF16.isLeadSurrogate(first), let second = codeUnit(in: written, at: position + 6),
      UTF16.isTrailSurrogate(second)
    {
      let text = String(decoding: [first, second], as: UTF16.self)
      return (Array(text.utf8), 12)
    }
    return (Array("\u{FFFD}".utf8), 6)
  }

  /// The code unit that `\uXXXX` names.
  private static func codeUnit(in written: [UInt8], at position: Int) -> UInt16? {
    guard position + 6 <= written.count, written[position] == UInt8(ascii: "\\"),
      written[position + 1] == UInt8(ascii: "u")
    else { return nil }
    var unit: UInt16 = 0
    for byte in written[position + 2..<position + 6] {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
      unit = unit << 4 | UInt16(digit)
    }
    return unit
  }
}
