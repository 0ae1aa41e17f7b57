/// A connection as a protocol sees it: bytes in order, both ways.
///
/// TCP is one; TLS will be another that sits on it. Confined to the thread of its loop.
protocol ByteStream: AnyObject {
  /// Who gets the bytes; held strongly until the stream has closed.
  var delegate: (any ByteStreamDelegate)? { get set }

  /// Bytes that were written and that the kernel has not taken yet.
  var pendingOutput: Int { get }

  /// When the kernel last took bytes, in milliseconds of the loop's clock.
  var lastProgress: UInt64 { get }

  func resumeReading()
  func pauseReading()

  /// Sends bytes after those that were written before; what the kernel does not take at once is kept.
  func write(_ bytes: [UInt8])

  /// Sends three pieces in one system call where possible, without joining them.
  func write(_ head: [UInt8], _ body: [UInt8], _ tail: [UInt8])

  /// Tells the peer that no more bytes will come, after those that are waiting.
  func finishWriting()

  /// Closes the connection at once and drops what is waiting.
  ///
  /// The delegate hears no more than `didClose`.
  func close()
  /// Closes at once in a way that the peer cannot take for a clean end.
  ///
  /// What was written and has not arrived may be lost.
  func reset()
}

/// The user of a ``ByteStream``; called on the loop's thread.
protocol ByteStreamDelegate: AnyObject {
  /// Bytes arrived; they are valid during the call.
  func didReceive(_ bytes: Span<UInt8>)
  /// The peer will send no more.
  func didReceiveEnd()
  /// All output has left.
  func didDrain()
  /// The stream is closed, by either side; nothing follows.
  func didClose()
}
