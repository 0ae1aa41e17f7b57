/// Texts of header fields, from bytes and back without loss.
///
/// A field may hold bytes that are not UTF-8
/// ([RFC 9110, section 5.5](https://www.rfc-editor.org/rfc/rfc9110#section-5.5)), which a proxy hands on as they came.
/// In such a text each byte beyond ASCII is a character of the private use area, U+EF80 for 0x80 to U+EFFF for 0xFF. So
/// are those of a text that is UTF-8 but has such characters itself: every text means one sequence of bytes.
enum FieldCoding {
  private static let firstPrivate: UInt32 = 0xEF80
  private static let lastPrivate: UInt32 = 0xEFFF
  /// How all of these characters begin in UTF-8.
  private static let privateLead: UInt8 = 0xEE

  static func text<Bytes: Collection<UInt8>>(_ bytes: Bytes) -> String {
    if bytes.allSatisfy({ $0 < 0x80 }) { return String(decoding: bytes, as: UTF8.self) }
    if let text = String(validating: bytes, as: UTF8.self), !text.unicodeScalars.contains(where: isPrivate) {
      return text
    }
    var text = String.UnicodeScalarView()
    for byte in bytes {
      let value = byte < 0x80 ? UInt32(byte) : firstPrivate + UInt32(byte - 0x80)
      text.append(Unicode.Scalar(value) ?? "\u{FFFD}")
    }
    return String(text)
  }

  static func append(_ text: String, to bytes: inout [UInt8]) {
    guard text.utf8.contains(privateLead) else { return bytes.append(contentsOf: text.utf8) }
    for scalar in text.unicodeScalars {
      if isPrivate(scalar) {
        bytes.append(UInt8(scalar.value - firstPrivate) + 0x80)
      } else {
        bytes.append(contentsOf: Unicode.UTF8.encode(scalar) ?? Unicode.UTF8.encodedReplacementCharacter)
      }
    }
  }

  private static func isPrivate(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value >= firstPrivate && scalar.value <= lastPrivate
  }
}
