extension ConfigurationValue {
  /// The value as YAML of one line.
  package var yaml: String {
    switch self {
    case .text(let text): Self.scalar(text)
    case .list(let elements): "[" + elements.map { Self.scalar($0) }.joined(separator: ", ") + "]"
    }
  }

  /// Without quotes only what no reader of YAML could take for anything else.
  private static func scalar(_ text: String) -> String {
    // A colon at the end would make a key of the text.
    let isPlain =
      !text.isEmpty && text.utf8.allSatisfy(isPlainByte) && !text.hasSuffix(":") && text.lowercased() != "null"
    return isPlain ? text : "\"" + text.unicodeScalars.map(escape).joined() + "\""
  }

  private static func isPlainByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "/"),
      UInt8(ascii: ":"):
      true
    default: false
    }
  }

  private static func escape(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\"", "\\": "\\\(scalar)"
    case _ where scalar.properties.generalCategory == .control:
      // Every control character is below U+0100.
      "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
    default: String(scalar)
    }
  }
}
