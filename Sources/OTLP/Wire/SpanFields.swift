package import Protobuf

/// The fields of a `Span` message, found in one walk over the wire.
///
/// Scalars that repeat have their last value, parts of `status` are merged, and fields that are not in the schema are
/// skipped. Ranges are offsets in the buffer; an absent field is empty or 0, as in proto3.
package struct SpanFields: Sendable {
  package var traceID = 0..<0
  package var spanID = 0..<0
  package var traceState = 0..<0
  package var parentSpanID = 0..<0
  package var name = 0..<0
  package var kind: Int32 = 0
  /// Nanoseconds since the epoch; 0 is unknown.
  package var startTime: UInt64 = 0
  /// Nanoseconds since the epoch; 0 is unknown.
  package var endTime: UInt64 = 0
  package var droppedAttributesCount: UInt32 = 0
  package var droppedEventsCount: UInt32 = 0
  package var droppedLinksCount: UInt32 = 0
  package var flags: UInt32 = 0
  package var hasStatus = false
  package var statusMessage = 0..<0
  package var statusCode: Int32 = 0
  package var attributes = RepeatedField()
  package var events = RepeatedField()
  package var links = RepeatedField()

  /// Reads the message that lies at `range`.
  package init(_ bytes: Span<UInt8>, at range: Range<Int>) throws(ProtobufError) {
    var reader = ProtobufReader(bytes, at: range)
    var start = reader.position
    while let tag = try reader.nextTag() {
      switch tag {
      case .lengthDelimited(1): traceID = try reader.lengthDelimited()
      case .lengthDelimited(2): spanID = try reader.lengthDelimited()
      case .lengthDelimited(3): traceState = try reader.lengthDelimited()
      case .lengthDelimited(4): parentSpanID = try reader.lengthDelimited()
      case .lengthDelimited(5): name = try reader.lengthDelimited()
      case .varint(6): kind = Int32(truncatingIfNeeded: try reader.varint())
      case .fixed64(7): startTime = try reader.fixed64()
      case .fixed64(8): endTime = try reader.fixed64()
      case .lengthDelimited(9): attributes.add(start..<(try reader.lengthDelimited().upperBound))
      case .varint(10): droppedAttributesCount = UInt32(truncatingIfNeeded: try reader.varint())
      case .lengthDelimited(11): events.add(start..<(try reader.lengthDelimited().upperBound))
      case .varint(12): droppedEventsCount = UInt32(truncatingIfNeeded: try reader.varint())
      case .lengthDelimited(13): links.add(start..<(try reader.lengthDelimited().upperBound))
      case .varint(14): droppedLinksCount = UInt32(truncatingIfNeeded: try reader.varint())
      case .lengthDelimited(15): try readStatus(bytes, at: try reader.lengthDelimited())
      case .fixed32(16): flags = try reader.fixed32()
      default: try reader.skip(tag)
      }
      start = reader.position
    }
  }

  private mutating func readStatus(_ bytes: Span<UInt8>, at range: Range<Int>) throws(ProtobufError) {
    hasStatus = true
    var reader = ProtobufReader(bytes, at: range)
    while let tag = try reader.nextTag() {
      switch tag {
      case .lengthDelimited(2): statusMessage = try reader.lengthDelimited()
      case .varint(3): statusCode = Int32(truncatingIfNeeded: try reader.varint())
      default: try reader.skip(tag)
      }
    }
  }
}
