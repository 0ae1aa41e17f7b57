import Metrics
import Testing

@Suite("Faults in the use of metrics")
struct MetricsRegistryTests {
  @Test("a name that is not valid traps")
  func name() async {
    await #expect(processExitsWith: .failure) { _ = MetricsRegistry().gauge("1x", "x") }
    await #expect(processExitsWith: .failure) { _ = MetricsRegistry().gauge("", "x") }
    await #expect(processExitsWith: .failure) { _ = MetricsRegistry().gauge("a-b", "x") }
    await #expect(processExitsWith: .failure) { _ = MetricsRegistry().counter("spans", "x") }
  }

  @Test("a label that is not valid, reserved or doubled traps")
  func labels() async {
    await #expect(processExitsWith: .failure) { _ = MetricsRegistry().gauge("x", "x", labels: ["le": "1"]) }
    await #expect(processExitsWith: .failure) { _ = MetricsRegistry().gauge("x", "x", labels: ["__x": "1"]) }
    await #expect(processExitsWith: .failure) { _ = MetricsRegistry().gauge("x", "x", labels: ["a:b": "1"]) }
    await #expect(processExitsWith: .failure) { _ = MetricsRegistry().gauge("x", "x", labels: ["a": "1", "a": "2"]) }
  }

  @Test("a metric that exists already traps, whatever the order of its labels")
  func duplicate() async {
    await #expect(processExitsWith: .failure) {
      let registry = MetricsRegistry()
      _ = registry.gauge("x", "x", labels: ["a": "1", "b": "2"])
      _ = registry.gauge("x", "x", labels: ["b": "2", "a": "1"])
    }
  }

  @Test("a family of two kinds or two helps traps")
  func kinds() async {
    await #expect(processExitsWith: .failure) {
      let registry = MetricsRegistry()
      _ = registry.gauge("x_total", "x", labels: ["a": "1"])
      _ = registry.counter("x_total", "x", labels: ["a": "2"])
    }
    await #expect(processExitsWith: .failure) {
      let registry = MetricsRegistry()
      _ = registry.gauge("x", "x", labels: ["a": "1"])
      _ = registry.gauge("x", "y", labels: ["a": "2"])
    }
  }

  @Test("a histogram without ascending finite bounds traps")
  func bounds() async {
    await #expect(processExitsWith: .failure) { _ = MetricsRegistry().histogram("x", "x", bounds: []) }
    await #expect(processExitsWith: .failure) { _ = MetricsRegistry().histogram("x", "x", bounds: [1, 1]) }
    await #expect(processExitsWith: .failure) { _ = MetricsRegistry().histogram("x", "x", bounds: [.infinity]) }
  }
}
