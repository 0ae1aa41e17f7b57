import Protobuf
import Telemetry

/// Writes the spans of a request as several smaller requests.
///
/// A piece holds every resource and every scope once. Only those that are open where it ends are repeated in the next.
struct PieceWriter {
  private(set) var spans: [SpanFacts]
  private(set) var segments: [SegmentDraft] = []
  private let contexts: [SpanContext]
  private var writer = ProtobufWriter(reservingCapacity: SegmentSplitter.targetSize * 5 / 4)
  private var resource = Envelope()
  private var scope = Envelope()

  /// A `ResourceSpans` or `ScopeSpans` message without what it contains.
  private struct Envelope {
    var range = 0..<0
    var fields: [UInt8] = []

    /// Takes all fields of the message at `range` but those with number 2, as they stand on the wire.
    mutating func read(_ range: Range<Int>, _ request: Span<UInt8>) {
      if self.range == range { return }
      self.range = range
      var kept = ProtobufWriter()
      var reader = ProtobufReader(request, at: range)
      while true {
        let start = reader.position
        // The scanner has read the message before.
        guard let tag = try! reader.nextTag() else { break }
        try! reader.skip(tag)
        if tag.field != 2 { kept.append(request.extracting(start..<reader.position)) }
      }
      fields = kept.bytes
    }
  }

  /// The spans of one scope in a piece.
  private struct ScopeRun {
    var spans: Range<Int>
    var fields: [UInt8]
    /// Bytes of the `ScopeSpans` message.
    var size: Int
  }

  init(_ batch: SpanBatch) {
    spans = batch.spans
    contexts = batch.contexts
  }

  /// Writes all pieces.
  mutating func write(_ request: Span<UInt8>) {
    var first = 0
    while first < spans.count {
      let end = endOfPiece(from: first, request)
      writePiece(first..<end, request)
      first = end
    }
  }

  private mutating func endOfPiece(from first: Int, _ request: Span<UInt8>) -> Int {
    var size = 0
    var target = 0
    var end = first
    repeat {
      if end == first || spans[end].context != spans[end - 1].context {
        let context = contexts[Int(spans[end].context)]
        if end == first || resource.range != context.resourceSpans {
          resource.read(context.resourceSpans, request)
          size += resource.fields.count
        }
        scope.read(context.scopeSpans, request)
        size += scope.fields.count
        // A piece that repeats a large resource must hold much more than the resource.
        target = SegmentSplitter.targetSize + 4 * (resource.fields.count + scope.fields.count)
      }
      size += Self.fieldSize(Int(spans[end].length))
      end += 1
    } while end < spans.count && size < target
    return end
  }

  private mutating func writePiece(_ piece: Range<Int>, _ request: Span<UInt8>) {
    var next = piece.lowerBound
    while next < piece.upperBound {
      let context = contexts[Int(spans[next].context)]
      var scopes: [ScopeRun] = []
      while next < piece.upperBound, contexts[Int(spans[next].context)].resourceSpans == context.resourceSpans {
        scopes.append(scopeRun(from: next, in: piece, request))
        next = scopes[scopes.count - 1].spans.upperBound
      }
      resource.read(context.resourceSpans, request)
      writeResource(scopes, request)
    }
    segments.append(SegmentDraft(bytes: writer.bytes, spans: piece))
    writer.bytes.removeAll(keepingCapacity: true)
  }

  private mutating func scopeRun(from first: Int, in piece: Range<Int>, _ request: Span<UInt8>) -> ScopeRun {
    scope.read(contexts[Int(spans[first].context)].scopeSpans, request)
    var run = ScopeRun(spans: first..<first, fields: scope.fields, size: scope.fields.count)
    var end = first
    while end < piece.upperBound, spans[end].context == spans[first].context {
      run.size += Self.fieldSize(Int(spans[end].length))
      end += 1
    }
    run.spans = first..<end
    return run
  }

  private mutating func writeResource(_ scopes: [ScopeRun], _ request: Span<UInt8>) {
    writer.tag(.lengthDelimited(1))
    writer.varint(UInt64(scopes.reduce(resource.fields.count) { $0 + Self.fieldSize($1.size) }))
    let fields = resource.fields
    writer.append(fields.span)
    for run in scopes {
      writer.tag(.lengthDelimited(2))
      writer.varint(UInt64(run.size))
      writer.append(run.fields.span)
      for index in run.spans { writeSpan(index, request) }
    }
  }

  private mutating func writeSpan(_ index: Int, _ request: Span<UInt8>) {
    let start = Int(spans[index].offset)
    let length = Int(spans[index].length)
    writer.tag(.lengthDelimited(2))
    writer.varint(UInt64(length))
    let moved = Int32(writer.bytes.count - start)
    writer.append(request.extracting(start..<start + length))
    spans[index].offset += moved
    spans[index].nameOffset += moved
  }

  /// The size of a field with a one-byte tag and a payload of this length.
  private static func fieldSize(_ length: Int) -> Int {
    1 + ProtobufWriter.varintSize(UInt64(length)) + length
  }
}
