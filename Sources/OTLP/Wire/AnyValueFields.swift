package import Protobuf

/// The member of an `AnyValue` message that is set.
///
/// Of several members the last one wins; an array or list that directly follows its like is merged with it.
package enum AnyValueFields: Sendable {
  /// Nothing is set: the value is empty.
  case empty
  case string(Range<Int>)
  case bool(Bool)
  case int(Int64)
  case double(Double)
  /// An `ArrayValue` message.
  case array(MessageParts)
  /// A `KeyValueList` message.
  case keyValueList(MessageParts)
  case bytes(Range<Int>)

  /// Reads the message that lies at `parts`.
  package init(_ bytes: Span<UInt8>, at parts: MessageParts) throws(ProtobufError) {
    self = .empty
    // The array or list that is being collected, and its field number; 0 when another member came after it.
    var collected: MessageParts?
    var collecting: UInt32 = 0
    for index in 0..<parts.count {
      var reader = ProtobufReader(bytes, at: parts[index])
      while let tag = try reader.nextTag() {
        switch tag {
        case .lengthDelimited(1): self = .string(try reader.lengthDelimited())
        case .varint(2): self = .bool(try reader.varint() != 0)
        case .varint(3): self = .int(Int64(bitPattern: try reader.varint()))
        case .fixed64(4): self = .double(Double(bitPattern: try reader.fixed64()))
        case .lengthDelimited(5), .lengthDelimited(6):
          if collecting != tag.field { collected = nil }
          collecting = tag.field
          collected.append(try reader.lengthDelimited())
          continue
        case .lengthDelimited(7): self = .bytes(try reader.lengthDelimited())
        default:
          try reader.skip(tag)
          continue
        }
        collecting = 0
      }
    }
    guard collecting != 0, let collected else { return }
    self = collecting == 5 ? .array(collected) : .keyValueList(collected)
  }
}
