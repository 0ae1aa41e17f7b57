import Metrics
import Testing

@Suite("Metrics")
struct MetricsTests {
  private let registry = MetricsRegistry()

  @Test("a family has its help and type once, before all its metrics")
  func families() {
    let http = registry.counter("spans_received_total", "Spans that came in.", labels: ["transport": "http"])
    _ = registry.gauge("queue_bytes", "Bytes that wait.")
    let grpc = registry.counter("spans_received_total", "Spans that came in.", labels: ["transport": "grpc"])
    http.increment()
    grpc.increment(by: 41)
    grpc.increment()
    #expect(
      registry.exposition() == """
        # HELP spans_received_total Spans that came in.
        # TYPE spans_received_total counter
        spans_received_total{transport="http"} 1
        spans_received_total{transport="grpc"} 42
        # HELP queue_bytes Bytes that wait.
        # TYPE queue_bytes gauge
        queue_bytes 0

        """)
  }

  @Test("an empty registry exposes nothing")
  func empty() {
    #expect(registry.exposition() == "")
    #expect(MetricsRegistry.contentType == "text/plain; version=0.0.4; charset=utf-8")
  }

  @Test("gauges are set and moved")
  func gauge() {
    let gauge = registry.gauge("connections", "Open connections.")
    gauge.set(to: 5)
    gauge.add(-7)
    #expect(gauge.value == -2)
    #expect(registry.exposition().hasSuffix("\nconnections -2\n"))
  }

  @Test("callbacks are asked at every exposition")
  func callbacks() {
    let source = registry.counter("source_total", "x")
    registry.counter("copy_total", "x") { source.value * 2 }
    registry.gauge("ratio", "x") { Double(source.value) / 2 }
    for count in 1...2 {
      source.increment()
      #expect(registry.exposition().contains("\ncopy_total \(count * 2)\n"))
      #expect(registry.exposition().contains("\nratio \(count == 1 ? "0.5" : "1")\n"))
    }
  }

  @Test("label values and help are escaped, each in its way")
  func escaping() {
    _ = registry.counter("x_total", "a \\ \"b\"\nc", labels: ["path": "C:\\d \"e\"\nf", "other": "é"])
    #expect(
      registry.exposition() == #"""
        # HELP x_total a \\ "b"\nc
        # TYPE x_total counter
        x_total{path="C:\\d \"e\"\nf",other="é"} 0

        """#)
  }

  @Test(
    "numbers are written as Prometheus reads them",
    arguments: [
      (0, "0"), (-0.5, "-0.5"), (1e21, "1e+21"), (1e-7, "1e-07"), (.infinity, "+Inf"), (-.infinity, "-Inf"),
      (.nan, "NaN"),
      (3_000_000, "3000000"), (9_007_199_254_740_992, "9007199254740992.0"),
    ] as [(Double, String)])
  func numbers(value: Double, written: String) {
    registry.gauge("value", "x") { value }
    #expect(registry.exposition().hasSuffix("\nvalue \(written)\n"))
  }

  @Test("counting from many threads loses nothing")
  func threads() async {
    let counter = registry.counter("x_total", "x")
    let histogram = registry.histogram("y_seconds", "y", bounds: [1, 2])
    await withTaskGroup { group in
      for _ in 0..<4 {
        group.addTask {
          for _ in 0..<5000 {
            counter.increment()
            histogram.observe(1.5)
          }
        }
      }
    }
    #expect(counter.value == 20_000)
    #expect(histogram.bucketCounts == [0, 20_000, 0])
    #expect(histogram.sum == 30_000)
  }
}
