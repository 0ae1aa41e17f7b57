import Protobuf
import Telemetry

/// Decides which spans of a large request go into which segment.
///
/// The time is linear in the size of the request, whatever its resources and scopes are: the fields of each are
/// collected once, and again at most once for a piece that begins in the middle of them.
struct PiecePlanner {
  private let spans: [SpanFacts]
  private let contexts: [SpanContext]
  private var finished: [SegmentPiece] = []
  private var piece = SegmentPiece()
  /// Bytes of the piece, without the tags and lengths of resources and scopes.
  private var size = 0

  init(_ batch: SpanBatch) {
    spans = batch.spans
    contexts = batch.contexts
  }

  consuming func pieces(of request: Span<UInt8>) -> [SegmentPiece] {
    var first = 0
    while first < spans.count {
      let end = endOfContext(first)
      add(first..<end, request)
      first = end
    }
    finishPiece()
    return finished
  }

  private func endOfContext(_ first: Int) -> Int {
    var end = first + 1
    while end < spans.count, spans[end].context == spans[first].context { end += 1 }
    return end
  }

  /// Adds spans of one context, cutting between them where a piece is full.
  private mutating func add(_ run: Range<Int>, _ request: Span<UInt8>) {
    let context = contexts[Int(spans[run.lowerBound].context)]
    // What a piece that begins here has to repeat; the resource is mostly that of the spans before.
    let resource =
      if let last = piece.resources.last, last.message == context.resourceSpans { last.fields } else {
        Self.fields(of: context.resourceSpans, request)
      }
    let scope = Self.fields(of: context.scopeSpans, request)
    finishPiece(repeating: piece.resources.last?.message == context.resourceSpans ? resource.count : 0)
    open(context, resource, scope, at: run.lowerBound)
    var part = run.lowerBound
    var partSize = 0
    for index in run {
      if index > part, isFull(size + partSize, repeating: resource.count + scope.count) {
        close(part..<index, partSize)
        finishPiece()
        open(context, resource, scope, at: index)
        part = index
        partSize = 0
      }
      partSize += SegmentPiece.fieldSize(Int(spans[index].length))
    }
    close(part..<run.upperBound, partSize)
  }

  /// Whether a piece is large enough to be cut where the next one repeats so many bytes.
  ///
  /// A piece holds several times what its successor repeats, so that all pieces together stay in proportion to the
  /// request.
  private func isFull(_ size: Int, repeating repeated: Int) -> Bool {
    size >= SegmentSplitter.targetSize + 4 * repeated
  }

  private mutating func open(_ context: SpanContext, _ resource: [UInt8], _ scope: [UInt8], at index: Int) {
    if piece.resources.last?.message != context.resourceSpans {
      piece.resources.append(SegmentPiece.Resource(message: context.resourceSpans, fields: resource))
      size += resource.count
    }
    piece.resources[piece.resources.count - 1].scopes.append(SegmentPiece.Scope(fields: scope, spans: index..<index))
    size += scope.count
  }

  /// Ends the scope that was opened last.
  private mutating func close(_ run: Range<Int>, _ spansSize: Int) {
    let last = piece.resources.count - 1
    let scope = piece.resources[last].scopes.count - 1
    piece.resources[last].scopes[scope].spans = run
    piece.resources[last].scopes[scope].spansSize = spansSize
    size += spansSize
  }

  private mutating func finishPiece(repeating repeated: Int) {
    if isFull(size, repeating: repeated) { finishPiece() }
  }

  private mutating func finishPiece() {
    guard !piece.resources.isEmpty else { return }
    finished.append(piece)
    piece = SegmentPiece()
    size = 0
  }

  /// All fields of a `ResourceSpans` or `ScopeSpans` message but those it contains, as they stand on the wire.
  private static func fields(of message: Range<Int>, _ request: Span<UInt8>) -> [UInt8] {
    var result = ProtobufWriter()
    var reader = ProtobufReader(request, at: message)
    while true {
      let start = reader.position
      // The scanner has read the message before.
      guard let tag = try! reader.nextTag() else { return result.bytes }
      try! reader.skip(tag)
      if tag.field != 2 { result.append(request.extracting(start..<reader.position)) }
    }
  }
}
