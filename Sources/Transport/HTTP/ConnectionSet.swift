/// The open connections of a server on one loop.
///
/// Unchecked Sendable: confined to the thread of its loop.
final class ConnectionSet: @unchecked Sendable {
  private let loop: EventLoop
  private let counters: ServerCounters
  private var connections: [ObjectIdentifier: HTTPConnection] = [:]
  private var isShuttingDown = false
  private var emptyWaiters: [CheckedContinuation<Void, Never>] = []

  init(loop: EventLoop, counters: ServerCounters) {
    self.loop = loop
    self.counters = counters
  }

  /// Serves a client, or tells it that there are too many.
  func add(_ descriptor: OwnedDescriptor, peer: SocketAddress, context: ConnectionContext, isRefused: Bool) {
    guard !isShuttingDown, let stream = try? TCPStream(loop: loop, descriptor: descriptor) else {
      // Without a stream nothing is left to close: the descriptor closes itself.
      forget()
      return
    }
    let connection = HTTPConnection(stream: stream, peer: peer, context: context) { [weak self] connection in
      self?.remove(connection)
    }
    connections[ObjectIdentifier(connection)] = connection
    if isRefused {
      connection.refuse()
    } else {
      connection.open()
    }
  }

  private func remove(_ connection: HTTPConnection) {
    connections[ObjectIdentifier(connection)] = nil
    forget()
    guard connections.isEmpty else { return }
    let waiters = emptyWaiters
    emptyWaiters = []
    for waiter in waiters { waiter.resume() }
  }

  private func forget() {
    loop.load.decrement()
    counters.openConnections.decrement()
  }

  /// Lets every connection end after the requests in progress, and returns when all are closed.
  func drain(on isolation: isolated LoopIsolation) async {
    isShuttingDown = true
    for connection in connections.values { connection.beginShutdown() }
    guard !connections.isEmpty else { return }
    await withCheckedContinuation { emptyWaiters.append($0) }
  }

  /// Fails every body that is not complete, so that its sender learns that it may try again.
  func refuseBodies() {
    for connection in connections.values { connection.refuseBodies() }
  }

  /// Closes every connection at once.
  func closeAll() {
    isShuttingDown = true
    for connection in connections.values { connection.close() }
  }
}
