/// Why bytes are not a well-formed protobuf message.
///
/// [Encoding](https://protobuf.dev/programming-guides/encoding/)
public enum ProtobufError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A field or its length runs past the end of the message.
  case truncated
  /// A varint of more than 10 bytes or more than 64 bits.
  case malformedVarint
  /// Field number 0, or a wire type that does not exist.
  case malformedTag
  /// A group that ends without a start, or starts without an end.
  case unbalancedGroup
  /// A known field that came with the wire type of another kind of field.
  case wrongWireType(field: UInt32)
  /// More levels of nesting than the reader follows.
  case tooDeep

  public var description: String {
    switch self {
    case .truncated: "a field runs past the end of its message"
    case .malformedVarint: "a varint is longer than 64 bits"
    case .malformedTag: "a field has an invalid number or wire type"
    case .unbalancedGroup: "a group is not balanced"
    case .wrongWireType(let field): "field \(field) has the wrong wire type"
    case .tooDeep: "the message is nested too deeply"
    }
  }
}
