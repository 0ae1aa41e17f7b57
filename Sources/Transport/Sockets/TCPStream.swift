import CUV
import Glibc

/// A TCP connection on an event loop.
///
/// Output is offered to the kernel at once. When the kernel takes no more, a small piece waits in libuv, and the rest in
/// the arrays in which it came.
@safe final class TCPStream: ByteStream {
  /// What is copied for libuv while the socket is full, in bytes.
  private static let waitingPieceSize = 64 * 1024
  /// Answers up to this size are joined with their head: copying is cheaper than a second buffer.
  private static let joinLimit = 16 * 1024

  var delegate: (any ByteStreamDelegate)?
  private(set) var pendingOutput = 0
  private(set) var lastProgress: UInt64

  private let loop: EventLoop
  // Freed by the close callback, the last time libuv touches them. Until then libuv's handle owns a reference to self.
  private let socket: UnsafeMutablePointer<uv_tcp_t>
  private let writeRequest: UnsafeMutablePointer<uv_write_t>
  private let shutdownRequest: UnsafeMutablePointer<uv_shutdown_t>
  /// What libuv waits to write; owned until its callback.
  private var waitingPiece: UnsafeMutableBufferPointer<UInt8>?
  private var queue = OutputQueue()
  private var isReading = false
  private var isFinishing = false
  private var hasShutDown = false
  private var isClosed = false

  /// Takes over a connected socket.
  init(loop: EventLoop, descriptor: OwnedDescriptor) throws(TransportError) {
    loop.checkIsolated()
    self.loop = loop
    lastProgress = loop.now
    unsafe socket = .allocate(capacity: 1)
    unsafe writeRequest = .allocate(capacity: 1)
    unsafe shutdownRequest = .allocate(capacity: 1)
    unsafe waitingPiece = nil
    // Cannot fail without an address family.
    unsafe uv_tcp_init(loop.handles.loop, socket)
    unsafe socket.pointee.data = Unmanaged.passRetained(self).toOpaque()
    let status = unsafe uv_tcp_open(socket, descriptor.rawValue)
    guard status == 0 else {
      close()
      throw TransportError(uv: status, operation: "open a connection")
    }
    descriptor.release()
    unsafe uv_tcp_nodelay(socket, 1)
  }

  private var stream: UnsafeMutablePointer<uv_stream_t> {
    unsafe UnsafeMutableRawPointer(socket).assumingMemoryBound(to: uv_stream_t.self)
  }

  // MARK: Input

  func resumeReading() {
    guard !isReading, !isClosed else { return }
    isReading = true
    unsafe uv_read_start(stream, onAllocate, onRead)
  }

  func pauseReading() {
    guard isReading, !isClosed else { return }
    isReading = false
    unsafe uv_read_stop(stream)
  }

  fileprivate func didRead(_ count: Int, _ base: UnsafePointer<UInt8>?) {
    guard !isClosed else { return }
    switch count {
    case 1...:
      let buffer = unsafe UnsafeBufferPointer(start: base, count: count)
      unsafe delegate?.didReceive(Span(_unsafeElements: buffer))
    case 0: break  // The socket had nothing after all.
    case Int(UV_EOF.rawValue):
      pauseReading()
      delegate?.didReceiveEnd()
    default: close()
    }
  }

  // MARK: Output

  func write(_ bytes: [UInt8]) {
    guard !isClosed, !isFinishing, !bytes.isEmpty else { return }
    var sent = 0
    if pendingOutput == 0 {
      guard let count = unsafe bytes.withUnsafeBufferPointer({ unsafe tryWrite($0) }) else { return }
      sent = count
    }
    keep(bytes, from: sent)
  }

  func write(_ head: [UInt8], _ body: [UInt8], _ tail: [UInt8]) {
    guard pendingOutput == 0, !isClosed, !isFinishing, body.count > Self.joinLimit else {
      if body.count <= Self.joinLimit {
        write(head + body + tail)
      } else {
        write(head)
        write(body)
        write(tail)
      }
      return
    }
    let sent = unsafe head.withUnsafeBufferPointer { head in
      unsafe body.withUnsafeBufferPointer { body in
        unsafe tail.withUnsafeBufferPointer { tail in unsafe tryWrite(head, body, tail) }
      }
    }
    guard var sent else { return }
    for piece in [head, body, tail] {
      keep(piece, from: min(sent, piece.count))
      sent -= min(sent, piece.count)
    }
  }

  func finishWriting() {
    guard !isFinishing, !isClosed else { return }
    isFinishing = true
    if pendingOutput == 0 { shutDown() }
  }

  private func keep(_ bytes: [UInt8], from offset: Int) {
    guard offset < bytes.count else { return }
    // Progress is measured from the moment on that something waits.
    if pendingOutput == 0 { lastProgress = loop.now }
    queue.append(bytes, from: offset)
    pendingOutput += bytes.count - offset
    if unsafe waitingPiece == nil { waitForRoom() }
  }

  /// Offers bytes to the kernel.
  ///
  /// - Returns: How many it took; `nil` when the connection is lost, which has then been closed.
  private func tryWrite(
    _ first: UnsafeBufferPointer<UInt8>, _ second: UnsafeBufferPointer<UInt8> = unsafe .init(start: nil, count: 0),
    _ third: UnsafeBufferPointer<UInt8> = unsafe .init(start: nil, count: 0)
  ) -> Int? {
    let buffers = unsafe (makeBuffer(first), makeBuffer(second), makeBuffer(third))
    let status = unsafe withUnsafePointer(to: buffers) { buffers in
      unsafe buffers.withMemoryRebound(to: uv_buf_t.self, capacity: 3) { list in
        unsafe uv_try_write(stream, list, 3)
      }
    }
    if status >= 0 { return Int(status) }
    if status == UV_EAGAIN.rawValue { return 0 }
    close()
    return nil
  }

  /// Lets libuv wait until the socket takes bytes again.
  private func waitForRoom() {
    let piece = unsafe queue.copyFront(upTo: Self.waitingPieceSize)
    unsafe waitingPiece = piece
    var buffer = unsafe makeBuffer(UnsafeBufferPointer(piece))
    let status = unsafe uv_write(writeRequest, stream, &buffer, 1, onWrite)
    if status != 0 {
      freeWaitingPiece()
      close()
    }
  }

  fileprivate func didWrite(_ status: Int32) {
    let count = unsafe waitingPiece?.count ?? 0
    freeWaitingPiece()
    guard !isClosed else { return }
    guard status == 0 else {
      close()
      return
    }
    lastProgress = loop.now
    pendingOutput -= count
    while let (bytes, offset) = queue.front {
      guard let sent = unsafe bytes.withUnsafeBufferPointer({ unsafe tryWrite(.init(rebasing: $0[offset...])) })
      else { return }
      queue.removeFront(sent)
      pendingOutput -= sent
      if sent < bytes.count - offset {
        waitForRoom()
        return
      }
    }
    if isFinishing { shutDown() }
    delegate?.didDrain()
  }

  private func freeWaitingPiece() {
    unsafe waitingPiece?.deallocate()
    unsafe waitingPiece = nil
  }

  private func shutDown() {
    guard !hasShutDown else { return }
    hasShutDown = true
    // Fails only when the connection is gone, which reading will tell.
    unsafe uv_shutdown(shutdownRequest, stream, onShutdown)
  }

  // MARK: Closing

  func close() {
    guard !isClosed else { return }
    isClosed = true
    queue.removeAll()
    pendingOutput = 0
    unsafe uv_close(handle(socket), onClose)
  }

  func reset() {
    guard !isClosed else { return }
    var option = linger(l_onoff: 1, l_linger: 0)
    var descriptor: Int32 = -1
    if unsafe uv_fileno(handle(socket), &descriptor) == 0 {
      unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }
    close()
  }

  fileprivate func didClose() {
    unsafe socket.deallocate()
    unsafe writeRequest.deallocate()
    unsafe shutdownRequest.deallocate()
    let delegate = delegate
    self.delegate = nil
    delegate?.didClose()
  }

  fileprivate var readBuffer: UnsafeMutablePointer<CChar> { unsafe loop.handles.readBuffer }
}

private func makeBuffer(_ bytes: UnsafeBufferPointer<UInt8>) -> uv_buf_t {
  // libuv takes a mutable pointer for reading and writing alike; a write does not change the bytes.
  let base = unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress)?.assumingMemoryBound(to: CChar.self)
  return unsafe uv_buf_t(base: base, len: bytes.count)
}

// MARK: C callbacks

// The handle owns a reference from `init` to `onClose`; libuv cancels pending requests before it calls `onClose`.
private func tcpStream<Handle>(_ handle: UnsafeMutablePointer<Handle>?) -> TCPStream {
  let base = unsafe UnsafeMutableRawPointer(handle!).assumingMemoryBound(to: uv_handle_t.self)
  return unsafe Unmanaged<TCPStream>.fromOpaque(base.pointee.data).takeUnretainedValue()
}

private func onAllocate(
  _ handle: UnsafeMutablePointer<uv_handle_t>?, _ suggestion: Int, _ buffer: UnsafeMutablePointer<uv_buf_t>?
) {
  // One buffer serves the whole loop: what was read is consumed before the next read.
  unsafe buffer!.pointee = uv_buf_t(base: tcpStream(handle).readBuffer, len: LoopHandles.readBufferSize)
}

private func onRead(_ stream: UnsafeMutablePointer<uv_stream_t>?, _ count: Int, _ buffer: UnsafePointer<uv_buf_t>?) {
  let base = unsafe UnsafeRawPointer(buffer!.pointee.base)?.assumingMemoryBound(to: UInt8.self)
  unsafe tcpStream(stream).didRead(count, base)
}

private func onWrite(_ request: UnsafeMutablePointer<uv_write_t>?, _ status: Int32) {
  unsafe tcpStream(request!.pointee.handle).didWrite(status)
}

private func onShutdown(_ request: UnsafeMutablePointer<uv_shutdown_t>?, _ status: Int32) {}

private func onClose(_ handle: UnsafeMutablePointer<uv_handle_t>?) {
  let stream = unsafe tcpStream(handle)
  unsafe Unmanaged.passUnretained(stream).release()
  stream.didClose()
}
