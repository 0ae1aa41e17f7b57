package import Protobuf

/// The fields of a span's `Event` message.
package struct EventFields: Sendable {
  /// `fixed64 time_unix_nano = 1`: nanoseconds since the epoch; 0 is unknown.
  package var time: UInt64 = 0
  /// `string name = 2`.
  package var name = 0..<0
  /// `repeated KeyValue attributes = 3`.
  package var attributes = RepeatedField()
  /// `uint32 dropped_attributes_count = 4`.
  package var droppedAttributesCount: UInt32 = 0

  /// Reads the message that lies at `range`.
  package init(_ bytes: Span<UInt8>, at range: Range<Int>) throws(ProtobufError) {
    var reader = ProtobufReader(bytes, at: range)
    var start = reader.position
    while let tag = try reader.nextTag() {
      switch tag {
      case .fixed64(1): time = try reader.fixed64()
      case .lengthDelimited(2): name = try reader.lengthDelimited()
      case .lengthDelimited(3): attributes.add(start..<(try reader.lengthDelimited().upperBound))
      case .varint(4): droppedAttributesCount = UInt32(truncatingIfNeeded: try reader.varint())
      default: try reader.skip(tag)
      }
      start = reader.position
    }
  }
}
