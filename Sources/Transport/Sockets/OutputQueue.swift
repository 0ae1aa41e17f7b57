/// Byte arrays that wait to be written, in order.
struct OutputQueue {
  private var pieces: [[UInt8]] = []
  private var firstPiece = 0
  /// Bytes of the first piece that have left.
  private var offset = 0

  var isEmpty: Bool { firstPiece == pieces.count }

  /// The first piece and how much of it has left.
  var front: (bytes: [UInt8], offset: Int)? { isEmpty ? nil : (pieces[firstPiece], offset) }

  /// Adds the bytes of a piece from an offset on.
  ///
  /// - Precondition: Something remains of the piece.
  mutating func append(_ bytes: [UInt8], from start: Int) {
    precondition(start < bytes.count)
    if isEmpty {
      offset = start
      pieces.append(bytes)
    } else {
      pieces.append(start == 0 ? bytes : Array(bytes[start...]))
    }
  }

  /// Removes bytes of the first piece.
  ///
  /// - Precondition: It has that many.
  mutating func removeFront(_ count: Int) {
    offset += count
    precondition(!isEmpty && offset <= pieces[firstPiece].count)
    guard offset == pieces[firstPiece].count else { return }
    pieces[firstPiece] = []
    firstPiece += 1
    offset = 0
    if isEmpty {
      removeAll()
    } else if firstPiece >= 64 {
      // Moves the rest up once in a while, so that a queue which never empties does not grow.
      pieces.removeSubrange(0..<firstPiece)
      firstPiece = 0
    }
  }

  /// Removes up to `limit` bytes of the first piece and returns a copy, which the caller frees.
  ///
  /// - Precondition: The queue is not empty.
  mutating func copyFront(upTo limit: Int) -> UnsafeMutableBufferPointer<UInt8> {
    let bytes = pieces[firstPiece]
    let count = min(limit, bytes.count - offset)
    let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: count)
    _ = unsafe copy.initialize(from: bytes[offset..<offset + count])
    removeFront(count)
    return unsafe copy
  }

  mutating func removeAll() {
    pieces.removeAll(keepingCapacity: true)
    firstPiece = 0
    offset = 0
  }
}
