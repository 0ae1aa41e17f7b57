import Protobuf
import Telemetry

/// Writes OTLP spans.
///
/// [`Span`](https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto)
struct SpanWriter {
  var attributes: AttributeWriter

  enum Kind: UInt64 { case `internal` = 1, client = 3 }

  /// What names a span and gives its place.
  struct Header {
    var spanID: SpanID
    var parentID: SpanID?
    var name: String
    var kind: Kind
    /// Nanoseconds since 1970.
    var startTime: Int64
    /// Nanoseconds since 1970, not before the start.
    var endTime: Int64
    /// Whether the parent lives in another process.
    var isParentRemote = false
  }

  /// Bits of `Span.flags` that say that the next one means something, and that the parent is remote.
  private static let hasIsRemote: UInt32 = 0x100
  private static let isRemote: UInt32 = 0x200

  private var writer: ProtobufWriter {
    get { attributes.writer }
    _modify { yield &attributes.writer }
  }

  init(reservingCapacity capacity: Int) {
    attributes = AttributeWriter(writer: ProtobufWriter(reservingCapacity: capacity), field: 9)
  }

  /// Writes the fields before the attributes.
  mutating func header(_ header: Header, _ context: CallContext) {
    traceID(1, context.traceID)
    spanID(2, header.spanID)
    if !context.traceState.isEmpty { writer.stringField(3, context.traceState) }
    if let parent = header.parentID { spanID(4, parent) }
    writer.stringField(5, header.name)
    writer.varintField(6, header.kind.rawValue)
    writer.fixed64Field(7, UInt64(bitPattern: header.startTime))
    writer.fixed64Field(8, UInt64(bitPattern: header.endTime))
    writer.fixed32Field(
      16, UInt32(context.traceFlags) | Self.hasIsRemote | (header.isParentRemote ? Self.isRemote : 0))
  }

  /// A message `Link`.
  mutating func link(_ link: (traceID: TraceID, spanID: SpanID)) {
    let message = writer.beginMessage(13)
    traceID(1, link.traceID)
    spanID(2, link.spanID)
    writer.endMessage(message)
  }

  /// A message `Status` with the code ERROR.
  mutating func failure(_ description: String) {
    let status = writer.beginMessage(15)
    writer.stringField(2, description)
    writer.varintField(3, 2)
    writer.endMessage(status)
  }

  mutating func beginMessage(_ field: UInt32) -> ProtobufWriter.Mark { writer.beginMessage(field) }
  mutating func endMessage(_ mark: ProtobufWriter.Mark) { writer.endMessage(mark) }
  mutating func string(_ field: UInt32, _ value: String) { writer.stringField(field, value) }

  private mutating func traceID(_ field: UInt32, _ id: TraceID) {
    writer.tag(.lengthDelimited(field))
    writer.varint(16)
    bigEndian(id.high)
    bigEndian(id.low)
  }

  private mutating func spanID(_ field: UInt32, _ id: SpanID) {
    writer.tag(.lengthDelimited(field))
    writer.varint(8)
    bigEndian(id.value)
  }

  private mutating func bigEndian(_ value: UInt64) {
    for shift in stride(from: UInt64(56), through: 0, by: -8) {
      writer.bytes.append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }
}
