import Logging
import Synchronization
import Testing

@Suite("Repeated failures")
struct LogLimiterTests {
  private let recorder = Recorder()

  @Test("the first is written, then one an interval with the number of those left out")
  func interval() {
    let limiter = LogLimiter(interval: .seconds(10))
    let logger = recorder.logger()
    for second in 0..<25 {
      recorder.uptime.store(second, ordering: .relaxed)
      limiter.log(logger, .error, "commit failed", ["at": .count(second)])
    }
    let ends = recorder.lines.map { $0.split(separator: "failed ")[1] }
    #expect(ends == ["at=0\n", "at=10 suppressed=9\n", "at=20 suppressed=9\n"])
  }

  @Test("after a quiet time nothing is said to be suppressed")
  func quiet() {
    let limiter = LogLimiter(interval: .seconds(10))
    for second in [0, 100, 200] {
      recorder.uptime.store(second, ordering: .relaxed)
      limiter.log(recorder.logger(), .error, "failed")
    }
    #expect(recorder.lines.count == 3)
    #expect(recorder.lines.allSatisfy { $0.hasSuffix("failed\n") })
  }

  @Test("what is below the level neither opens nor closes the interval")
  func level() {
    let limiter = LogLimiter()
    limiter.log(recorder.logger(), .debug, "not written")
    limiter.log(recorder.logger(), .error, "written")
    #expect(recorder.lines.count == 1)
    #expect(recorder.lines[0].hasSuffix("written\n"))
  }

  @Test("the clock of the system limits as well")
  func systemClock() {
    let written = Mutex(0)
    let logger = Logger(sink: LogSink { _ in written.withLock { $0 += 1 } })
    let limiter = LogLimiter(interval: .seconds(3600))
    for _ in 0..<3 { limiter.log(logger, .error, "failed") }
    #expect(written.withLock { $0 } == 1)
  }

  @Test("many threads write one line and count all others")
  func threads() async {
    let limiter = LogLimiter(interval: .seconds(10))
    let logger = recorder.logger()
    await withTaskGroup { group in
      for _ in 0..<4 {
        group.addTask { for _ in 0..<1000 { limiter.log(logger, .error, "failed") } }
      }
    }
    recorder.uptime.store(10, ordering: .relaxed)
    limiter.log(logger, .error, "failed")
    #expect(recorder.lines.count == 2)
    #expect(recorder.lines[1].hasSuffix("suppressed=3999\n"))
  }
}
