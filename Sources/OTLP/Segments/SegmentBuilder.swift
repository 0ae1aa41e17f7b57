package import Protobuf

/// Builds a segment of spans that come from others, below copies of their resources and scopes.
///
/// Neighbours that share them stand below one copy.
package struct SegmentBuilder {
  private struct Scope {
    var fields: [UInt8]
    /// In ``spans``.
    var spans: [Range<Int>] = []

    var size: Int { spans.reduce(fields.count) { $0 + SegmentPiece.fieldSize($1.count) } }
  }

  private struct Resource {
    var fields: [UInt8]
    var scopes: [Scope]

    var size: Int { scopes.reduce(fields.count) { $0 + SegmentPiece.fieldSize($1.size) } }
  }

  private var resources: [Resource] = []
  private var spans: [UInt8] = []
  /// Where the fields of the last span's resource and scope came from.
  private var lastSource: (segment: Int64, resourceSpans: Range<Int>, scopeSpans: Range<Int>)?

  package init() {}

  /// How many bytes it holds, roughly.
  package private(set) var byteCount = 0

  /// Adds a span.
  ///
  /// - Parameters:
  ///   - span: The `Span` message.
  ///   - source: The segment that it comes from, and its bytes.
  ///   - resourceSpans: The `ResourceSpans` message around it, in these bytes.
  ///   - scopeSpans: The `ScopeSpans` message around it.
  package mutating func append(
    _ span: Span<UInt8>, from segment: Int64, _ source: Span<UInt8>, resourceSpans: Range<Int>, scopeSpans: Range<Int>
  ) throws(ProtobufError) {
    if lastSource == nil || lastSource! != (segment, resourceSpans, scopeSpans) {
      try open(source, resourceSpans, scopeSpans)
      lastSource = (segment, resourceSpans, scopeSpans)
    }
    let start = spans.count
    unsafe span.withUnsafeBufferPointer { unsafe spans.append(contentsOf: $0) }
    let resource = resources.count - 1
    resources[resource].scopes[resources[resource].scopes.count - 1].spans.append(start..<spans.count)
    byteCount += span.count + 4
  }

  private mutating func open(_ source: Span<UInt8>, _ resourceSpans: Range<Int>, _ scopeSpans: Range<Int>)
    throws(ProtobufError)
  {
    let resource = try Self.fields(of: resourceSpans, source)
    let scope = try Self.fields(of: scopeSpans, source)
    if resources.last?.fields != resource {
      resources.append(Resource(fields: resource, scopes: []))
      byteCount += resource.count + 4
    }
    let last = resources.count - 1
    guard resources[last].scopes.last?.fields != scope else { return }
    resources[last].scopes.append(Scope(fields: scope))
    byteCount += scope.count + 4
  }

  /// All fields of a `ResourceSpans` or `ScopeSpans` message but those it contains, as they stand on the wire.
  private static func fields(of message: Range<Int>, _ source: Span<UInt8>) throws(ProtobufError) -> [UInt8] {
    var result = ProtobufWriter()
    var reader = ProtobufReader(source, at: message)
    while true {
      let start = reader.position
      guard let tag = try reader.nextTag() else { return result.bytes }
      try reader.skip(tag)
      if tag.field != 2 { result.append(source.extracting(start..<reader.position)) }
    }
  }

  /// Writes an `ExportTraceServiceRequest`.
  ///
  /// - Returns: The message, and where each span starts in it, in the order in which they were added.
  package consuming func finish() -> (bytes: [UInt8], offsets: [Int]) {
    var writer = ProtobufWriter(reservingCapacity: byteCount + byteCount / 16)
    var offsets: [Int] = []
    for resource in resources {
      Self.begin(1, resource.size, resource.fields, &writer)
      for scope in resource.scopes {
        Self.begin(2, scope.size, scope.fields, &writer)
        for span in scope.spans {
          writer.tag(.lengthDelimited(2))
          writer.varint(UInt64(span.count))
          offsets.append(writer.bytes.count)
          writer.append(spans.span.extracting(span))
        }
      }
    }
    return (writer.bytes, offsets)
  }

  /// Opens a message of a known size, and writes its own fields.
  private static func begin(_ field: UInt32, _ size: Int, _ fields: [UInt8], _ writer: inout ProtobufWriter) {
    writer.tag(.lengthDelimited(field))
    writer.varint(UInt64(size))
    writer.append(fields.span)
  }
}
