package import Protobuf

/// The fields of a `Span` message, found in one walk over the wire.
///
/// Scalars that repeat have their last value, parts of `status` are merged, and fields that are not in the schema are
/// skipped, but for ``AnswerField``. Ranges are offsets in the buffer; an absent field is empty or 0, as in proto3.
package struct SpanFields: Sendable {
  /// `bytes trace_id = 1`.
  package var traceID = 0..<0
  /// `bytes span_id = 2`.
  package var spanID = 0..<0
  /// `string trace_state = 3`.
  package var traceState = 0..<0
  /// `bytes parent_span_id = 4`; empty for a root.
  package var parentSpanID = 0..<0
  /// `string name = 5`.
  package var name = 0..<0
  /// `SpanKind kind = 6`.
  package var kind: Int32 = 0
  /// `fixed64 start_time_unix_nano = 7`: nanoseconds since the epoch; 0 is unknown.
  package var startTime: UInt64 = 0
  /// `fixed64 end_time_unix_nano = 8`: the same.
  package var endTime: UInt64 = 0
  /// `uint32 dropped_attributes_count = 10`.
  package var droppedAttributesCount: UInt32 = 0
  /// `uint32 dropped_events_count = 12`.
  package var droppedEventsCount: UInt32 = 0
  /// `uint32 dropped_links_count = 14`.
  package var droppedLinksCount: UInt32 = 0
  /// `fixed32 flags = 16`.
  package var flags: UInt32 = 0
  /// Whether `Status status = 15` is present.
  package var hasStatus = false
  /// `string message = 2` of the status.
  package var statusMessage = 0..<0
  /// `StatusCode code = 3` of the status.
  package var statusCode: Int32 = 0
  /// `repeated KeyValue attributes = 9`.
  package var attributes = RepeatedField()
  /// `repeated Event events = 11`.
  package var events = RepeatedField()
  /// `repeated Link links = 13`.
  package var links = RepeatedField()
  /// `bytes answer = 4747`, see ``AnswerField``; empty for spans that came as OTLP.
  package var answer = 0..<0

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
      case AnswerField.tag: answer = try reader.lengthDelimited()
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
