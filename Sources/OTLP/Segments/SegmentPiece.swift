import Protobuf
import Telemetry

/// What one segment of a large request will hold: neighbouring spans below copies of their resource and scope.
struct SegmentPiece {
  /// Spans of one scope.
  struct Scope {
    /// The fields of the `ScopeSpans` message but its spans, as they stand on the wire.
    var fields: [UInt8]
    var spans: Range<Int>
    /// Bytes of the spans with their tags and lengths.
    var spansSize = 0

    /// Bytes of the message.
    var size: Int { fields.count + spansSize }
  }

  /// Scopes of one resource.
  struct Resource {
    /// Where the `ResourceSpans` message lies in the request.
    var message: Range<Int>
    /// Its fields but its scopes, as they stand on the wire.
    var fields: [UInt8]
    var scopes: [Scope] = []

    /// Bytes of the message.
    var size: Int { scopes.reduce(fields.count) { $0 + SegmentPiece.fieldSize($1.size) } }
  }

  var resources: [Resource] = []

  /// The size of a field with a one-byte tag and a payload of this length.
  static func fieldSize(_ length: Int) -> Int { 1 + ProtobufWriter.varintSize(UInt64(length)) + length }

  /// Writes the piece as an `ExportTraceServiceRequest`, and points its spans to where they are now.
  func write(_ request: Span<UInt8>, _ spans: inout [SpanFacts]) -> SegmentDraft {
    let sizes = resources.map(\.size)
    var writer = ProtobufWriter(reservingCapacity: sizes.reduce(0) { $0 + Self.fieldSize($1) })
    for (resource, size) in zip(resources, sizes) {
      Self.begin(1, size, resource.fields, &writer)
      for scope in resource.scopes {
        Self.begin(2, scope.size, scope.fields, &writer)
        for index in scope.spans { Self.move(&spans[index], request, &writer) }
      }
    }
    let first = resources.first?.scopes.first?.spans.lowerBound ?? 0
    let end = resources.last?.scopes.last?.spans.upperBound ?? 0
    return SegmentDraft(bytes: writer.bytes, spans: first..<end)
  }

  /// Opens a message of a known size, and writes its own fields.
  private static func begin(_ field: UInt32, _ size: Int, _ fields: [UInt8], _ writer: inout ProtobufWriter) {
    writer.tag(.lengthDelimited(field))
    writer.varint(UInt64(size))
    writer.append(fields.span)
  }

  private static func move(_ span: inout SpanFacts, _ request: Span<UInt8>, _ writer: inout ProtobufWriter) {
    let start = Int(span.offset)
    let length = Int(span.length)
    writer.tag(.lengthDelimited(2))
    writer.varint(UInt64(length))
    let moved = Int32(writer.bytes.count - start)
    writer.append(request.extracting(start..<start + length))
    span.offset += moved
    // A span without a name points nowhere; the offset 0 stays inside every segment.
    if span.nameLength > 0 { span.nameOffset += moved }
  }
}
