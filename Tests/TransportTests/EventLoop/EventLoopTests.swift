import Synchronization
import Testing
import Threads

@testable import Transport

@Suite struct EventLoopTests {
  private func withLoop<Result>(_ body: (EventLoop) async throws -> Result) async throws -> Result {
    let loop = try EventLoop(name: "test")
    do {
      let result = try await body(loop)
      await loop.stop()
      return result
    } catch {
      await loop.stop()
      throw error
    }
  }

  private func isOnLoop(_ loop: EventLoop, _ isolation: isolated LoopIsolation) -> Bool { loop.isOnLoop }

  @Test func `code isolated to a loop runs on its thread`() async throws {
    try await withLoop { loop in
      #expect(!loop.isOnLoop)
      #expect(await isOnLoop(loop, loop.isolation))
    }
  }

  @Test func `a task that prefers a loop runs on its thread`() async throws {
    try await withLoop { loop in
      let task = Task(executorPreference: loop) { loop.isOnLoop }
      #expect(await task.value)
    }
  }

  @Test func `work from another thread runs in order`() async throws {
    try await withLoop { loop in
      let log = Locked<[Int]>([])
      let done = await withCheckedContinuation { continuation in
        for index in 0..<5000 { loop.execute { log.withLock { $0.append(index) } } }
        loop.execute { continuation.resume(returning: true) }
      }
      #expect(done)
      #expect(log.withLock { $0 } == Array(0..<5000))
    }
  }

  @Test func `work that queues itself for ever does not starve timers`() async throws {
    try await withLoop { loop in
      let isOver = Atomic(false)
      @Sendable func again() {
        if !isOver.load(ordering: .relaxed) { loop.execute(again) }
      }
      loop.execute(again)
      try await loop.sleep(for: .milliseconds(5))
      isOver.store(true, ordering: .relaxed)
    }
  }

  @Test func `sleep lasts as long as asked`() async throws {
    try await withLoop { loop in
      let clock = ContinuousClock()
      let time = try await clock.measure { try await loop.sleep(for: .milliseconds(30)) }
      // The loop's clock is as old as its turn and has whole milliseconds.
      #expect(time >= .milliseconds(28))
    }
  }

  @Test func `a cancelled sleep ends at once`() async throws {
    try await withLoop { loop in
      let task = Task { try await loop.sleep(for: .seconds(1000)) }
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
    }
  }

  @Test func `a sleep of a cancelled task ends at once`() async throws {
    try await withLoop { loop in
      let task = Task {
        unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
        try await loop.sleep(for: .seconds(1000))
      }
      await #expect(throws: CancellationError.self) { try await task.value }
    }
  }

  @Test func `stopping wakes tasks that sleep`() async throws {
    let loop = try EventLoop(name: "test")
    let task = await withCheckedContinuation { (started: CheckedContinuation<Task<Void, any Error>, Never>) in
      let task = Task(executorPreference: loop) { try await loop.sleep(for: .seconds(1000)) }
      loop.execute { started.resume(returning: task) }
    }
    await loop.stop()
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  @Test func `a stopped loop drops work and can be stopped again`() async throws {
    let loop = try EventLoop(name: "test")
    await loop.stop()
    loop.execute { Issue.record("the loop has ended") }
    await loop.stop()
  }

  @Test(
    arguments: [
      (Duration.zero, 0), (.milliseconds(1), 1), (.microseconds(1), 1), (.seconds(2), 2000), (.milliseconds(-5), 0),
      (.nanoseconds(1_000_001), 2),
    ] as [(Duration, UInt64)])
  func `durations round up to whole milliseconds`(duration: Duration, milliseconds: UInt64) {
    #expect(duration.wholeMilliseconds == milliseconds)
  }
}
