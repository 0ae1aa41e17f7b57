import CUV

/// A timer of an event loop, confined to the loop's thread.
///
/// Its owner must ``close()`` it: until then the loop keeps it alive.
@safe final class LoopTimer {
  // Freed by the close callback, the last time libuv touches it.
  private let timer: UnsafeMutablePointer<uv_timer_t>
  private var onFire: (() -> Void)?
  private var isClosed = false

  /// Creates a timer that calls `onFire` on the loop's thread each time it runs out.
  init(loop: EventLoop, onFire: @escaping () -> Void) {
    loop.checkIsolated()
    self.onFire = onFire
    unsafe timer = .allocate(capacity: 1)
    // Cannot fail.
    unsafe uv_timer_init(loop.handles.loop, timer)
    unsafe timer.pointee.data = Unmanaged.passRetained(self).toOpaque()
  }

  /// Lets the timer run out once in `milliseconds`; an earlier start is forgotten.
  func start(milliseconds: UInt64) {
    guard !isClosed else { return }
    unsafe uv_timer_start(timer, onTimer, milliseconds, 0)
  }

  func stop() {
    guard !isClosed else { return }
    unsafe uv_timer_stop(timer)
  }

  /// Ends the timer for good.
  func close() {
    guard !isClosed else { return }
    isClosed = true
    onFire = nil
    unsafe uv_close(handle(timer), onClose)
  }

  fileprivate func fire() { onFire?() }

  fileprivate func release() { unsafe timer.deallocate() }
}

// MARK: C callbacks

private func onTimer(_ timer: UnsafeMutablePointer<uv_timer_t>?) {
  unsafe Unmanaged<LoopTimer>.fromOpaque(timer!.pointee.data).takeUnretainedValue().fire()
}

private func onClose(_ handle: UnsafeMutablePointer<uv_handle_t>?) {
  unsafe Unmanaged<LoopTimer>.fromOpaque(handle!.pointee.data).takeRetainedValue().release()
}
