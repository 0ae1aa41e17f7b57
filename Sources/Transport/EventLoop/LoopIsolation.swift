/// The isolation domain of an event loop: async code isolated to it runs on the loop's thread.
///
/// Taken as an `isolated` parameter. The loop has exactly one and outlives it.
package actor LoopIsolation {
  private unowned let loop: EventLoop

  init(loop: EventLoop) { self.loop = loop }

  package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }
}
