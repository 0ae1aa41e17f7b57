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

  /// Makes the next piece; each call can see another state of the store.
  mutating func next(_ session: any ReadSession) throws(StoreError) -> [UInt8]
}

/// The spans of an answer, rendered piece by piece on the threads that read.
///
/// A small answer is one piece. A large one is never held as a whole, nor are its spans.
package struct SpanPieces<Renderer: SpanRenderer>: AnswerPieces {
  /// When a piece is large enough, in bytes.
  package static var pieceSize: Int { 256 << 10 }

  private let rows: [SpanRow]
  private var position = 0
  private var renderer: Renderer
  private(set) package var isFinished = false

  package init(_ rows: [SpanRow], _ renderer: Renderer) {
    self.rows = rows
    self.renderer = renderer
  }

  /// Renders the next piece.
  package mutating func next(_ session: any ReadSession) throws(StoreError) -> [UInt8] {
    let done = try session.visit(rows[position...]) { row, bytes, location in
      renderer.append(row, bytes, location) < Self.pieceSize
    }
    position += done
    if position == rows.count {
      renderer.finish()
      isFinished = true
    }
    return renderer.takeOutput(isLast: isFinished)
  }
}
