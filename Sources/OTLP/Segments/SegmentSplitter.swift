import Protobuf
package import Telemetry

/// Cuts a request into segments.
///
/// A segment is an `ExportTraceServiceRequest` itself, so whoever has its bytes can decode it with the public schema.
/// A request that is small enough is its own segment, byte for byte. A larger one is cut between spans; each piece
/// repeats the resource and the scope of its spans.
package enum SegmentSplitter {
  /// How large a segment becomes before it is cut, in bytes.
  ///
  /// To read one span its whole segment is decompressed, which takes some 50 us for this size.
  package static let targetSize = 64 << 10

  /// Requests up to this size are not cut: the pieces would be small, and copying costs more.
  private static let wholeSize = 96 << 10

  /// Fills in the segments of a batch that was scanned from `request`.
  package static func split(_ request: consuming [UInt8], _ batch: inout SpanBatch) {
    guard request.count > wholeSize, batch.spans.count > 1 else {
      batch.segments = [SegmentDraft(bytes: request, spans: 0..<batch.spans.count)]
      return
    }
    var pieces = PieceWriter(batch)
    pieces.write(request.span)
    batch.spans = pieces.spans
    batch.segments = pieces.segments
  }
}

private struct PieceWriter {
  var spans: [SpanFacts]
  var segments: [SegmentDraft] = []
  private let contexts: [SpanContext]
  private var writer = ProtobufWriter(reservingCapacity: SegmentSplitter.targetSize * 5 / 4)
  private var pieceStart = 0

  init(_ batch: SpanBatch) {
    spans = batch.spans
    contexts = batch.contexts
  }

  mutating func write(_ request: Span<UInt8>) {
    var next = 0
    while next < spans.count {
      let context = contexts[Int(spans[next].context)]
      let resource = fields(of: context.resourceSpans, butNot: 2, request)
      let scope = fields(of: context.scopeSpans, butNot: 2, request)
      // A piece that repeats a large resource must hold much more of its spans than of the resource.
      let target = SegmentSplitter.targetSize + 4 * (resource.count + scope.count)
      let end = endOfRun(from: next, target: target)
      writeRun(next..<end, resource, scope, request)
      next = end
      if writer.bytes.count >= target { finishPiece(before: next) }
    }
    finishPiece(before: next)
  }

  /// Where the run of spans with one context ends that still fits into the piece.
  private func endOfRun(from first: Int, target: Int) -> Int {
    var size = writer.bytes.count
    var end = first
    repeat {
      size += Int(spans[end].length) + 4
      end += 1
    } while end < spans.count && spans[end].context == spans[first].context && size < target
    return end
  }

  /// `ResourceSpans` and `ScopeSpans` around some spans of one context.
  private mutating func writeRun(
    _ run: Range<Int>, _ resource: [UInt8], _ scope: [UInt8], _ request: Span<UInt8>
  ) {
    let spansSize = run.reduce(0) { $0 + Self.fieldSize(Int(spans[$1].length)) }
    let scopeSize = scope.count + spansSize
    writer.tag(.lengthDelimited(1))
    writer.varint(UInt64(resource.count + Self.fieldSize(scopeSize)))
    writer.append(resource.span)
    writer.tag(.lengthDelimited(2))
    writer.varint(UInt64(scopeSize))
    writer.append(scope.span)
    for index in run {
      let start = Int(spans[index].offset)
      let length = Int(spans[index].length)
      writer.tag(.lengthDelimited(2))
      writer.varint(UInt64(length))
      let moved = writer.bytes.count - start
      writer.append(request.extracting(start..<start + length))
      spans[index].offset += Int32(moved)
      spans[index].nameOffset += Int32(moved)
    }
  }

  private mutating func finishPiece(before end: Int) {
    guard end > pieceStart else { return }
    segments.append(SegmentDraft(bytes: writer.bytes, spans: pieceStart..<end))
    writer.bytes.removeAll(keepingCapacity: true)
    pieceStart = end
  }

  /// The size of a field with a one-byte tag and a payload of this length.
  private static func fieldSize(_ length: Int) -> Int {
    1 + ProtobufWriter.varintSize(UInt64(length)) + length
  }

  /// All fields of a message except those with one number, as they stand on the wire.
  private func fields(of message: Range<Int>, butNot field: UInt32, _ request: Span<UInt8>) -> [UInt8] {
    var result = ProtobufWriter()
    var reader = ProtobufReader(request, at: message)
    while true {
      let start = reader.position
      // The scanner has read the message before.
      guard let tag = try! reader.nextTag() else { return result.bytes }
      try! reader.skip(tag)
      if tag.field != field { result.append(request.extracting(start..<reader.position)) }
    }
  }
}
