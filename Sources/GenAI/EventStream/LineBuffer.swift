/// A line whose end has not come, in pieces: one array that grows by doubling would hold a long line three times.
struct LineBuffer {
  /// A piece that is smaller grows before another is made.
  private static let pieceSize = 64 * 1024

  private var pieces: [[UInt8]] = []
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  mutating func append(_ bytes: Span<UInt8>) {
    guard !bytes.isEmpty else { return }
    count += bytes.count
    unsafe bytes.withUnsafeBufferPointer { bytes in
      if let last = pieces.last, last.count < Self.pieceSize {
        unsafe pieces[pieces.count - 1].append(contentsOf: bytes)
      } else {
        unsafe pieces.append(Array(bytes))
      }
    }
  }

  /// Gives the line away.
  mutating func take() -> [UInt8] {
    defer { self = LineBuffer() }
    guard pieces.count != 1 else { return pieces[0] }
    var whole: [UInt8] = []
    whole.reserveCapacity(count)
    for piece in pieces { whole += piece }
    return whole
  }
}
