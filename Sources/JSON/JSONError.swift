/// Why bytes are not the JSON that was expected, and where.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong at the offset.
  public enum Reason: Hashable, Sendable {
    /// The text ends inside a value.
    case unexpectedEnd
    /// A byte that no JSON text can have at this place.
    case unexpectedByte
    /// Something follows the document.
    case trailingBytes
    /// A number that does not follow the grammar, such as `01` or `1.`.
    case malformedNumber
    /// A backslash that starts no escape sequence.
    case malformedEscape
    /// A raw control character inside a string.
    case controlCharacter
    /// More levels of nesting than the reader follows.
    case tooDeep
    /// A well-formed value of another type than its place asks for.
    case wrongType
    /// A well-formed value that its place cannot hold, such as an integer out of range.
    case invalidValue
  }

  /// What is wrong.
  public let reason: Reason
  /// The offset of the byte at which the error was noticed.
  public let offset: Int

  /// Makes an error.
  @inlinable public init(_ reason: Reason, at offset: Int) {
    self.reason = reason
    self.offset = offset
  }

  /// The reason and the place, in words.
  public var description: String { "\(reason.message) at byte \(offset)" }
}

extension JSONError.Reason {
  /// The reason in words, without the place.
  public var message: String {
    switch self {
    case .unexpectedEnd: "the text ends inside a value"
    case .unexpectedByte: "unexpected character"
    case .trailingBytes: "text after the document"
    case .malformedNumber: "malformed number"
    case .malformedEscape: "malformed escape sequence"
    case .controlCharacter: "control character in a string"
    case .tooDeep: "nested too deeply"
    case .wrongType: "value of the wrong type"
    case .invalidValue: "value out of range or malformed"
    }
  }
}
