/// Spreads JSON over lines, for people; as it comes, piece by piece.
///
/// The text is what a ``JSONWriter`` makes: well-formed and without white space between its tokens.
public struct JSONIndenter: Sendable {
  private let width: Int
  private var depth = 0
  private var isInString = false
  private var isEscaped = false
  /// Whether the byte before opened an array or object, which may turn out to be empty.
  private var hasOpened = false

  /// - Parameter width: Spaces for each level.
  public init(width: Int) { self.width = width }

  /// Indents the next piece.
  public mutating func indent(_ piece: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(piece.count * 2)
    for byte in piece { append(byte, to: &result) }
    return result
  }

  private mutating func append(_ byte: UInt8, to result: inout [UInt8]) {
    if isInString {
      if isEscaped {
        isEscaped = false
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else if byte == UInt8(ascii: "\"") {
        isInString = false
      }
      return result.append(byte)
    }
    switch byte {
    case UInt8(ascii: "}"), UInt8(ascii: "]"):
      depth -= 1
      if !hasOpened { breakLine(&result) }
      hasOpened = false
      result.append(byte)
    case UInt8(ascii: ","):
      result.append(byte)
      breakLine(&result)
    case UInt8(ascii: ":"): result += [byte, UInt8(ascii: " ")]
    default:
      if hasOpened { breakLine(&result) }
      hasOpened = byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[")
      if hasOpened { depth += 1 }
      isInString = byte == UInt8(ascii: "\"")
      result.append(byte)
    }
  }

  private func breakLine(_ result: inout [UInt8]) {
    result.append(UInt8(ascii: "\n"))
    for _ in 0..<depth * width { result.append(UInt8(ascii: " ")) }
  }
}
