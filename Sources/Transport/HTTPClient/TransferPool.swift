internal import CCurl
internal import CUV

/// The transfers and connections of one event loop: libcurl's multi handle, driven by libuv.
///
/// Confined to the loop's thread; unchecked Sendable, because it is made and closed from other threads by way of the
/// loop's isolation.
@safe final class TransferPool: @unchecked Sendable {
  /// Connections that are kept for later requests.
  private static let mostConnections = 256
  /// Easy handles that are kept for later requests.
  private static let keptHandles = 256

  let loop: EventLoop
  // Freed in `close`.
  private let multi: UnsafeMutableRawPointer
  private var sockets: [Int32: SocketPoll] = [:]
  private var timer: LoopTimer?
  /// libcurl wants to be called without any socket being ready.
  private var isDue = false
  /// A call into libcurl is under way, which must not be entered again.
  private var isBusy = false
  private var active: [ObjectIdentifier: TransferHandle] = [:]
  private var idle: [TransferHandle] = []
  var connections = KeptConnections()
  private var isClosed = false

  static func make(on loop: EventLoop, _ isolation: isolated LoopIsolation) throws(TransportError) -> TransferPool {
    let pool = try TransferPool(loop: loop)
    return pool
  }

  private init(loop: EventLoop) throws(TransportError) {
    if let reason = unsafe ccurl_load() {
      throw Self.failure(unsafe String(cString: reason))
    }
    guard let multi = unsafe ccurl_multi_init() else { throw Self.failure("libcurl has no memory") }
    self.loop = loop
    unsafe self.multi = multi
    timer = LoopTimer(loop: loop) { [unowned self] in drive() }
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    unsafe ccurl_multi_set_socket_function(multi, onSocketChange, context)
    unsafe ccurl_multi_set_timer_function(multi, onTimerChange, context)
    unsafe ccurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, Self.mostConnections)
  }

  private static func failure(_ reason: String) -> TransportError {
    TransportError(code: .other, operation: "start the HTTP client", message: reason)
  }

  // MARK: Transfers

  func start(_ request: ClientRequest) -> HTTPTransfer {
    let transfer = HTTPTransfer(request, pool: self)
    transfer.start()
    return transfer
  }

  func takeHandle() throws(ClientError) -> TransferHandle {
    guard !isClosed else { throw .cancelled }
    if let handle = idle.popLast() { return handle }
    return try TransferHandle()
  }

  /// Sends the request of a handle, at once if there is a connection.
  func add(_ handle: TransferHandle) throws(ClientError) {
    let code = unsafe ccurl_multi_add_handle(multi, handle.easy)
    guard code == CURLM_OK else {
      throw ClientError(kind: .other, message: unsafe String(cString: ccurl_multi_strerror(code)))
    }
    active[ObjectIdentifier(handle)] = handle
    if isDue { drive() }
  }

  /// Takes a handle back; a transfer that has not ended is cut.
  func remove(_ handle: TransferHandle) {
    if active.removeValue(forKey: ObjectIdentifier(handle)) != nil {
      unsafe ccurl_multi_remove_handle(multi, handle.easy)
    }
    handle.reset()
    if idle.count < Self.keptHandles && !isClosed { idle.append(handle) }
  }

  /// Lets a transfer go on that had no room.
  func resume(_ handle: TransferHandle) {
    isBusy = true
    unsafe ccurl_easy_pause(handle.easy, Int32(CURLPAUSE_CONT))
    isBusy = false
    if isDue { drive() }
  }

  // MARK: Events

  /// Calls libcurl for what is due by time.
  private func drive() {
    isDue = false
    act(on: CURL_SOCKET_TIMEOUT, events: 0)
  }

  fileprivate func act(on socket: Int32, events: Int32) {
    guard !isClosed, !isBusy else { return }
    isBusy = true
    var running: Int32 = 0
    unsafe ccurl_multi_socket_action(multi, socket, events, &running)
    isBusy = false
    finishTransfers()
  }

  private func finishTransfers() {
    var waiting: Int32 = 0
    while let message = unsafe ccurl_multi_info_read(multi, &waiting) {
      guard unsafe message.pointee.msg == CURLMSG_DONE else { continue }
      let code = unsafe message.pointee.data.result
      var context: UnsafeMutableRawPointer?
      unsafe ccurl_get_pointer(message.pointee.easy_handle, CURLINFO_PRIVATE, &context)
      let handle = unsafe Unmanaged<TransferHandle>.fromOpaque(context!).takeUnretainedValue()
      if code == CURLE_OK { unsafe connections.note(handle.easy) }
      handle.finish(code)
    }
    if isDue { drive() }
  }

  fileprivate func watch(_ descriptor: Int32, _ what: Int32) {
    if what == CURL_POLL_REMOVE {
      sockets[descriptor]?.stop()
      return
    }
    let poll = sockets[descriptor] ?? SocketPoll(descriptor, pool: self)
    sockets[descriptor] = poll
    poll.start(reads: what & CURL_POLL_IN != 0, writes: what & CURL_POLL_OUT != 0)
  }

  fileprivate func setTimer(_ milliseconds: Int) {
    isDue = false
    switch milliseconds {
    case ..<0: timer?.stop()
    case 0:
      timer?.stop()
      isDue = true
      // Whoever has called into libcurl looks at `isDue` after; this is for a call from elsewhere.
      loop.execute { [weak self] in if self?.isDue == true { self?.drive() } }
    default: timer?.start(milliseconds: UInt64(milliseconds))
    }
  }

  // MARK: End

  func close(on isolation: isolated LoopIsolation) {
    guard !isClosed else { return }
    for handle in active.values { handle.transfer?.cancel() }
    isClosed = true
    idle = []
    unsafe ccurl_multi_cleanup(multi)
    for poll in sockets.values { poll.close() }
    sockets = [:]
    timer?.close()
    timer = nil
  }
}

/// A socket of libcurl that libuv watches.
///
/// Kept when libcurl has done with a socket, because the next connection is likely to get its number.
@safe private final class SocketPoll {
  private unowned let pool: TransferPool
  private let descriptor: Int32
  // Freed by the close callback, the last time libuv touches it.
  private let poll: UnsafeMutablePointer<uv_poll_t>
  private var isReady = false

  init(_ descriptor: Int32, pool: TransferPool) {
    self.descriptor = descriptor
    self.pool = pool
    unsafe poll = .allocate(capacity: 1)
    isReady = unsafe uv_poll_init(pool.loop.handles.loop, poll, descriptor) == 0
    unsafe poll.pointee.data = Unmanaged.passUnretained(self).toOpaque()
  }

  func start(reads: Bool, writes: Bool) {
    guard isReady else { return }
    let events = (reads ? UV_READABLE.rawValue : 0) | (writes ? UV_WRITABLE.rawValue : 0)
    unsafe uv_poll_start(poll, Int32(events), onReady)
  }

  func stop() {
    guard isReady else { return }
    unsafe uv_poll_stop(poll)
  }

  func close() {
    guard isReady else { return unsafe poll.deallocate() }
    isReady = false
    unsafe uv_close(handle(poll), onPollClose)
  }

  fileprivate func isReady(_ status: Int32, _ events: Int32) {
    var flags: Int32 = 0
    // An error of the socket. libcurl finds it when it reads, and before it what the server had sent; told of an error, it
    // would read nothing.
    if status < 0 { flags |= CURL_CSELECT_IN | CURL_CSELECT_OUT }
    if events & Int32(UV_READABLE.rawValue) != 0 { flags |= CURL_CSELECT_IN }
    if events & Int32(UV_WRITABLE.rawValue) != 0 { flags |= CURL_CSELECT_OUT }
    pool.act(on: descriptor, events: flags)
  }
}

// MARK: C callbacks

private func onReady(_ poll: UnsafeMutablePointer<uv_poll_t>?, _ status: Int32, _ events: Int32) {
  unsafe Unmanaged<SocketPoll>.fromOpaque(poll!.pointee.data).takeUnretainedValue().isReady(status, events)
}

private func onPollClose(_ handle: UnsafeMutablePointer<uv_handle_t>?) {
  unsafe UnsafeMutableRawPointer(handle!).assumingMemoryBound(to: uv_poll_t.self).deallocate()
}

private func onSocketChange(
  _ easy: UnsafeMutableRawPointer?, _ socket: Int32, _ what: Int32, _ context: UnsafeMutableRawPointer?,
  _ socketContext: UnsafeMutableRawPointer?
) -> Int32 {
  unsafe Unmanaged<TransferPool>.fromOpaque(context!).takeUnretainedValue().watch(socket, what)
  return 0
}

private func onTimerChange(_ multi: UnsafeMutableRawPointer?, _ milliseconds: Int, _ context: UnsafeMutableRawPointer?)
  -> Int32
{
  unsafe Unmanaged<TransferPool>.fromOpaque(context!).takeUnretainedValue().setTimer(milliseconds)
  return 0
}
