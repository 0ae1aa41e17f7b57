import Telemetry
import TraceStore

/// How traces are written.
protocol TraceFormat: Sendable {
  /// How many bytes are written and not taken.
  var byteCount: Int { get }

  mutating func beginTrace(_ traceID: TraceID)

  /// Writes a span; its bytes are lent.
  mutating func append(_ view: SpanView, _ bytes: Span<UInt8>, _ location: SpanLocation)

  /// - Parameter omitted: Spans of the trace that were left out.
  mutating func endTrace(omitted: Int)

  /// Writes what follows after the last trace.
  ///
  /// - Parameter missing: Traces without a span.
  mutating func finish(missing: [TraceID])

  mutating func takeOutput(isLast: Bool) -> [UInt8]
}

/// The traces of an answer, rendered piece by piece: at any time the rows of one trace are held, and no spans.
struct TracePieces<Format: TraceFormat>: AnswerPieces {
  /// Spans of a trace that are shown.
  ///
  /// No page can show as many; the native interface has them all.
  static var mostSpans: Int { 200_000 }

  private let traces: [TraceID]
  private let isRaw: Bool
  private var format: Format
  /// How many of the traces are done.
  private var done = 0
  private var rows: [SpanRow] = []
  /// By which they were selected.
  private var query = SpanQuery(.unassigned)
  private var position = 0
  private var omitted = 0
  private var adjustments: [Int: SpanAdjustment] = [:]
  private var missing: [TraceID] = []
  private(set) var isFinished = false

  var keptBytes: Int { rows.count * MemoryLayout<SpanRow>.stride }

  /// - Parameter isRaw: Whether spans are shown in the order of their arrival and with the ids that they came with.
  init(_ traces: [TraceID], isRaw: Bool, _ format: Format) {
    self.traces = traces
    self.isRaw = isRaw
    self.format = format
  }

  /// Goes to the first trace that has spans.
  ///
  /// - Returns: Whether there is one.
  mutating func findFirst(_ session: any ReadSession) throws(StoreError) -> Bool {
    while rows.isEmpty && done < traces.count { try load(session) }
    return !rows.isEmpty
  }

  mutating func next(_ session: any ReadSession) throws(StoreError) -> [UInt8] {
    while format.byteCount < SpanPieces<TraceRenderer>.pieceSize && !isFinished {
      if !rows.isEmpty {
        try render(session)
      } else if done < traces.count {
        try load(session)
      } else {
        format.finish(missing: missing)
        isFinished = true
      }
    }
    return format.takeOutput(isLast: isFinished)
  }

  /// Selects the spans of the next trace.
  private mutating func load(_ session: any ReadSession) throws(StoreError) {
    let traceID = traces[done]
    done += 1
    query = SpanQuery(.trace(traceID))
    query.limit = Self.mostSpans
    if !isRaw { query.sortKey = .startTime }
    let selection = try session.select(query)
    guard !selection.rows.isEmpty else { return missing.append(traceID) }
    rows = selection.rows
    position = 0
    omitted = selection.total - rows.count
    adjustments =
      isRaw ? [:] : SharedSpanIDs.separate(rows.map { .init(id: $0.spanID, parent: $0.parentID, kind: $0.kind) })
    format.beginTrace(traceID)
  }

  private mutating func render(_ session: any ReadSession) throws(StoreError) {
    var isFull = false
    var isFoundAgain = false
    while true {
      var place = position
      let done = try session.visit(rows[position...]) { row, bytes, location in
        var view = SpanView(row)
        view.adjustment = adjustments[place]
        place += 1
        format.append(view, bytes, location)
        isFull = format.byteCount >= SpanPieces<TraceRenderer>.pieceSize
        return !isFull
      }
      position += done
      if isFull || position == rows.count { break }
      // Spans that have moved since they were selected are found again.
      guard !isFoundAgain || done > 0 else { throw StoreError(.corrupt, "a span is not where the index says") }
      try rows.findAgain(query, from: position, session)
      isFoundAgain = true
    }
    guard position == rows.count else { return }
    format.endTrace(omitted: omitted)
    rows = []
  }
}
