import CUV

/// The libuv loop and the handles that drive the queue of an ``EventLoop``.
///
/// This file holds the unsafe code of the loop itself. Everything but ``wake()`` belongs to the loop's thread.
@safe final class LoopHandles {
  /// One for the whole loop: a protocol consumes what was read before the next read.
  static let readBufferSize = 256 * 1024

  // Allocated once, freed in deinit: libuv keeps the addresses until the handles have closed.
  let loop: UnsafeMutablePointer<uv_loop_t>
  let readBuffer: UnsafeMutablePointer<CChar>
  private let wakeup: UnsafeMutablePointer<uv_async_t>
  private let beforeWait: UnsafeMutablePointer<uv_prepare_t>
  private let afterWait: UnsafeMutablePointer<uv_check_t>
  /// Active while jobs wait, so that libuv polls without waiting.
  private let busy: UnsafeMutablePointer<uv_idle_t>
  private var isBusy = false

  init() throws(TransportError) {
    unsafe loop = .allocate(capacity: 1)
    unsafe wakeup = .allocate(capacity: 1)
    unsafe beforeWait = .allocate(capacity: 1)
    unsafe afterWait = .allocate(capacity: 1)
    unsafe busy = .allocate(capacity: 1)
    unsafe readBuffer = .allocate(capacity: Self.readBufferSize)
    let status = unsafe uv_loop_init(loop)
    guard status == 0 else { throw TransportError(uv: status, operation: "create an event loop") }
    let asyncStatus = unsafe uv_async_init(loop, wakeup, onWakeup)
    guard asyncStatus == 0 else {
      unsafe uv_loop_close(loop)
      throw TransportError(uv: asyncStatus, operation: "create the wake-up of an event loop")
    }
    // These three cannot fail.
    unsafe uv_prepare_init(loop, beforeWait)
    unsafe uv_check_init(loop, afterWait)
    unsafe uv_idle_init(loop, busy)
    unsafe uv_prepare_start(beforeWait, onPrepare)
    unsafe uv_check_start(afterWait, onCheck)
  }

  deinit {
    unsafe loop.deallocate()
    unsafe wakeup.deallocate()
    unsafe beforeWait.deallocate()
    unsafe afterWait.deallocate()
    unsafe busy.deallocate()
    unsafe readBuffer.deallocate()
  }

  /// Makes the callbacks find their event loop, which owns this object and so outlives the pointer.
  func attach(to eventLoop: EventLoop) {
    unsafe loop.pointee.data = Unmanaged.passUnretained(eventLoop).toOpaque()
  }

  /// The time of the current turn in milliseconds.
  var now: UInt64 { unsafe uv_now(loop) }

  /// Runs until every handle is closed.
  func run() {
    _ = unsafe uv_run(loop, UV_RUN_DEFAULT)
    unsafe uv_loop_close(loop)
  }

  /// Makes the loop look at its queue; callable from any thread until ``closeAll()``.
  func wake() { unsafe uv_async_send(wakeup) }

  /// Keeps the loop from waiting while jobs are queued.
  func setBusy(_ value: Bool) {
    guard value != isBusy else { return }
    isBusy = value
    if value {
      unsafe uv_idle_start(busy, onIdle)
    } else {
      unsafe uv_idle_stop(busy)
    }
  }

  /// Closes the four handles; `run` returns when the loop has no other.
  func closeAll() {
    unsafe uv_close(handle(wakeup), nil)
    unsafe uv_close(handle(beforeWait), nil)
    unsafe uv_close(handle(afterWait), nil)
    unsafe uv_close(handle(busy), nil)
  }
}

/// The view of a libuv handle as its base type, which every handle structure starts with.
func handle<Handle>(_ pointer: UnsafeMutablePointer<Handle>) -> UnsafeMutablePointer<uv_handle_t> {
  unsafe UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: uv_handle_t.self)
}

// MARK: C callbacks

// The loop's thread owns a reference to the event loop for as long as it runs the loop.
private func eventLoop(_ loop: UnsafeMutablePointer<uv_loop_t>) -> EventLoop {
  unsafe Unmanaged<EventLoop>.fromOpaque(loop.pointee.data).takeUnretainedValue()
}

private func onPrepare(_ handle: UnsafeMutablePointer<uv_prepare_t>?) {
  unsafe eventLoop(handle!.pointee.loop).runQueue()
}

private func onCheck(_ handle: UnsafeMutablePointer<uv_check_t>?) {
  unsafe eventLoop(handle!.pointee.loop).runQueue()
}

// Waking up is all they are for: the queue runs after every wait.
private func onWakeup(_ handle: UnsafeMutablePointer<uv_async_t>?) {}
private func onIdle(_ handle: UnsafeMutablePointer<uv_idle_t>?) {}
