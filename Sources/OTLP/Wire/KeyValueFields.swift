package import Protobuf

/// The fields of a `KeyValue` message.
package struct KeyValueFields: Sendable {
  /// `string key = 1`.
  package var key = 0..<0
  /// `AnyValue value = 2`; `nil` when the field is absent.
  package var value: MessageParts?

  /// Reads the message that lies at `range`.
  package init(_ bytes: Span<UInt8>, at range: Range<Int>) throws(ProtobufError) {
    var reader = ProtobufReader(bytes, at: range)
    while let tag = try reader.nextTag() {
      switch tag {
      case .lengthDelimited(1): key = try reader.lengthDelimited()
      case .lengthDelimited(2): value.append(try reader.lengthDelimited())
      default: try reader.skip(tag)
      }
    }
  }
}
