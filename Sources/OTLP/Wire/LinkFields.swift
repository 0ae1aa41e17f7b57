package import Protobuf

/// The fields of a span's `Link` message.
package struct LinkFields: Sendable {
  /// `bytes trace_id = 1`.
  package var traceID = 0..<0
  /// `bytes span_id = 2`.
  package var spanID = 0..<0
  /// `string trace_state = 3`.
  package var traceState = 0..<0
  /// `repeated KeyValue attributes = 4`.
  package var attributes = RepeatedField()
  /// `uint32 dropped_attributes_count = 5`.
  package var droppedAttributesCount: UInt32 = 0
  /// `fixed32 flags = 6`.
  package var flags: UInt32 = 0

  /// Reads the message that lies at `range`.
  package init(_ bytes: Span<UInt8>, at range: Range<Int>) throws(ProtobufError) {
    var reader = ProtobufReader(bytes, at: range)
    var start = reader.position
    while let tag = try reader.nextTag() {
      switch tag {
      case .lengthDelimited(1): traceID = try reader.lengthDelimited()
      case .lengthDelimited(2): spanID = try reader.lengthDelimited()
      case .lengthDelimited(3): traceState = try reader.lengthDelimited()
      case .lengthDelimited(4): attributes.add(start..<(try reader.lengthDelimited().upperBound))
      case .varint(5): droppedAttributesCount = UInt32(truncatingIfNeeded: try reader.varint())
      case .fixed32(6): flags = try reader.fixed32()
      default: try reader.skip(tag)
      }
      start = reader.position
    }
  }
}
