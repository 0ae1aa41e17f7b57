import CUV

/// Accepts the connections of one listening socket, on one loop.
///
/// Unchecked Sendable: confined to the thread of its loop.
@safe final class Acceptor: @unchecked Sendable {
  /// Connections accepted before the loop looks at its other work.
  private static let batch = 64
  /// How long accepting pauses when descriptors have run out, in milliseconds.
  private static let pause: UInt64 = 100

  private let loop: EventLoop
  private var socket: ListeningSocket?
  // Freed by the close callback, the last time libuv touches it. Until then libuv's handle owns a reference to self.
  private let poll: UnsafeMutablePointer<uv_poll_t>
  private var timer: LoopTimer?
  private let onAccept: (OwnedDescriptor, SocketAddress) -> Void
  private let onPause: () -> Void
  private var onClosed: (() -> Void)?

  /// Starts to accept; `onAccept` gets each connection, `onPause` hears of each pause for want of descriptors.
  init(
    loop: EventLoop, socket: ListeningSocket, onAccept: @escaping (OwnedDescriptor, SocketAddress) -> Void,
    onPause: @escaping () -> Void
  ) throws(TransportError) {
    loop.checkIsolated()
    self.loop = loop
    self.socket = socket
    self.onAccept = onAccept
    self.onPause = onPause
    unsafe poll = .allocate(capacity: 1)
    let status = unsafe uv_poll_init(loop.handles.loop, poll, socket.descriptor)
    guard status == 0 else {
      unsafe poll.deallocate()
      throw TransportError(uv: status, operation: "watch \(socket.address)")
    }
    unsafe poll.pointee.data = Unmanaged.passRetained(self).toOpaque()
    timer = LoopTimer(loop: loop) { [weak self] in self?.watch() }
    watch()
  }

  private func watch() {
    guard socket != nil else { return }
    unsafe uv_poll_start(poll, Int32(UV_READABLE.rawValue), onReadable)
  }

  fileprivate func acceptBatch() {
    for _ in 0..<Self.batch {
      guard let socket else { return }
      switch socket.accept() {
      case .connection(let descriptor, let peer): onAccept(descriptor, peer)
      case .aborted: continue
      case .nothing: return
      case .exhausted:
        // The socket stays readable, so without a pause the loop would spin.
        unsafe uv_poll_stop(poll)
        timer?.start(milliseconds: Self.pause)
        onPause()
        return
      }
    }
  }

  /// Stops accepting and closes the socket, then calls `onClosed`.
  func close(_ onClosed: @escaping () -> Void) {
    guard socket != nil else {
      onClosed()
      return
    }
    self.onClosed = onClosed
    timer?.close()
    timer = nil
    unsafe uv_close(handle(poll), onClose)
    // After uv_close, which takes the descriptor out of epoll.
    socket = nil
  }

  fileprivate func didClose() {
    unsafe poll.deallocate()
    onClosed?()
    onClosed = nil
  }
}

// MARK: C callbacks

// The handle owns a reference from `init` to `onClose`.
private func onReadable(_ poll: UnsafeMutablePointer<uv_poll_t>?, _ status: Int32, _ events: Int32) {
  unsafe Unmanaged<Acceptor>.fromOpaque(poll!.pointee.data).takeUnretainedValue().acceptBatch()
}

private func onClose(_ handle: UnsafeMutablePointer<uv_handle_t>?) {
  unsafe Unmanaged<Acceptor>.fromOpaque(handle!.pointee.data).takeRetainedValue().didClose()
}
