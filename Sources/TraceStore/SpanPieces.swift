/// Turns spans into the text of an answer.
package protocol SpanRenderer: Sendable {
  /// Gives away what was rendered; the next piece goes on from there.
  mutating func takeOutput(isLast: Bool) -> [UInt8]

  /// Renders one span; its bytes are lent.
  ///
  /// - Returns: How many bytes were rendered and not taken yet.
  mutating func append(_ row: SpanRow, _ bytes: Span<UInt8>, _ location: SpanLocation) -> Int

  /// Renders what follows after the last span.
  mutating func finish()
}

/// An answer that is made piece by piece on the threads that read, so that it is never held as a whole.
package protocol AnswerPieces: Sendable {
  /// Whether the last piece was made.
  var isFinished: Bool { get }

  /// Bytes that are kept until then, beside the pieces.
  var keptBytes: Int { get }

  /// Makes the next piece; each call can see another state of the store.
  mutating func next(_ session: any ReadSession) throws(StoreError) -> [UInt8]
}

/// The spans of an answer, rendered piece by piece on the threads that read.
///
/// A small answer is one piece. A large one is never held as a whole, nor are its spans.
package struct SpanPieces<Renderer: SpanRenderer>: AnswerPieces {
  /// When a piece is large enough, in bytes.
  package static var pieceSize: Int { 256 << 10 }

  private let query: SpanQuery
  private var rows: [SpanRow]
  private var position = 0
  private var renderer: Renderer
  private(set) package var isFinished = false

  package var keptBytes: Int { rows.count * MemoryLayout<SpanRow>.stride }

  /// - Parameters:
  ///   - query: By which the rows were selected.
  package init(_ rows: [SpanRow], of query: SpanQuery, _ renderer: Renderer) {
    self.query = query
    self.rows = rows
    self.renderer = renderer
  }

  /// Renders the next piece.
  ///
  /// Pieces may be read from different states of the store. Spans that have moved since they were selected are found again.
  ///
  /// - Throws: With the code `gone` when one was deleted: an answer is never short of a span that it should have.
  package mutating func next(_ session: any ReadSession) throws(StoreError) -> [UInt8] {
    var isFull = false
    var isFoundAgain = false
    while true {
      let done = try session.visit(rows[position...]) { row, bytes, location in
        isFull = renderer.append(row, bytes, location) >= Self.pieceSize
        return !isFull
      }
      position += done
      if isFull || position == rows.count { break }
      guard !isFoundAgain || done > 0 else { throw StoreError(.corrupt, "a span is not where the index says") }
      try rows.findAgain(query, from: position, session)
      isFoundAgain = true
    }
    if position == rows.count {
      renderer.finish()
      isFinished = true
    }
    return renderer.takeOutput(isLast: isFinished)
  }
}

extension [SpanRow] {
  /// Takes the places of rows, from one on, from the state of the store that is read now.
  ///
  /// - Throws: With the code `gone` when one was deleted.
  package mutating func findAgain(_ query: SpanQuery, from position: Int, _ session: any ReadSession) throws(StoreError)
  {
    var found: [Int64: SpanRow] = [:]
    for row in try session.select(query).rows { found[row.arrival] = row }
    for index in position..<count {
      guard let row = found[self[index].arrival] else {
        throw StoreError(.gone, "spans were deleted while they were read")
      }
      self[index] = row
    }
  }
}
