/// Base64 digits.
///
/// [RFC 4648](https://www.rfc-editor.org/rfc/rfc4648)
public enum Base64 {
  static func character(_ digit: UInt8) -> UInt8 {
    switch digit {
    case 0..<26: UInt8(ascii: "A") + digit
    case 26..<52: UInt8(ascii: "a") + digit - 26
    case 52..<62: UInt8(ascii: "0") + digit - 52
    case 62: UInt8(ascii: "+")
    default: UInt8(ascii: "/")
    }
  }

  private static func digit(_ character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
    // The second ones are the alphabet for URLs and file names.
    case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
    case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
    default: nil
    }
  }

  /// Decodes either alphabet, with or without padding, and appends the bytes.
  ///
  /// - Returns: `false` when the text is not base64; what was appended before the bad character stays.
  public static func appendDecoded(_ text: Span<UInt8>, to result: inout [UInt8]) -> Bool {
    var end = text.count
    while end > 0, text.count - end < 2, text[end - 1] == UInt8(ascii: "=") { end -= 1 }
    let padding = text.count - end
    // One digit over is no byte, and padding fills the last group of four or is left out.
    guard end % 4 != 1, padding == 0 || text.count % 4 == 0 else { return false }
    result.reserveCapacity(result.count + end / 4 * 3 + 2)
    var bits: UInt32 = 0
    var bitCount: UInt32 = 0
    for index in 0..<end {
      guard let digit = digit(text[index]) else { return false }
      bits = bits << 6 | UInt32(digit)
      bitCount += 6
      if bitCount >= 8 {
        bitCount -= 8
        result.append(UInt8(truncatingIfNeeded: bits >> bitCount))
      }
    }
    return true
  }
}
