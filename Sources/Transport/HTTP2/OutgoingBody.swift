/// The body of an HTTP/2 answer that waits for frames and flow control.
struct OutgoingBody {
  private var queue = OutputQueue()
  private(set) var pendingBytes = 0
  /// No more bytes will be added.
  var isFinished = false
  /// Sent after the last byte.
  var trailers = HTTPHeaders()
  /// nghttp2 waits to be told that there is something to send again.
  var isDeferred = false

  mutating func append(_ bytes: [UInt8]) {
    guard !bytes.isEmpty else { return }
    queue.append(bytes, from: 0)
    pendingBytes += bytes.count
  }

  /// Moves bytes into a frame.
  ///
  /// - Returns: How many.
  mutating func fill(_ frame: UnsafeMutableBufferPointer<UInt8>) -> Int {
    var filled = 0
    while filled < frame.count, let (bytes, offset) = queue.front {
      let count = min(frame.count - filled, bytes.count - offset)
      _ = unsafe frame.extracting(filled..<filled + count).update(from: bytes[offset..<offset + count])
      queue.removeFront(count)
      filled += count
    }
    pendingBytes -= filled
    return filled
  }
}
