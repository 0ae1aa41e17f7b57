import Testing

@testable import Transport

@Suite struct EventMeterTests {
  @Test func `too many events in a window are noticed`() {
    var meter = EventMeter(limit: 3, interval: .seconds(1))
    #expect([0, 10, 20, 30, 1000].map { meter.record(at: $0) } == [false, false, false, true, false])
  }
}
