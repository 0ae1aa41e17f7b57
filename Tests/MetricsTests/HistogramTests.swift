import Metrics
import Testing

@Suite("Histograms")
struct HistogramTests {
  private let registry = MetricsRegistry()

  @Test("buckets are cumulative, end in +Inf, and agree with the count")
  func exposition() {
    let histogram = registry.histogram("commit_seconds", "Time.", labels: ["engine": "sqlite"], bounds: [0.005, 1, 10])
    for value in [0.001, 0.005, 0.5, 1, 7, 100] { histogram.observe(value) }
    #expect(
      registry.exposition() == """
        # HELP commit_seconds Time.
        # TYPE commit_seconds histogram
        commit_seconds_bucket{engine="sqlite",le="0.005"} 2
        commit_seconds_bucket{engine="sqlite",le="1"} 4
        commit_seconds_bucket{engine="sqlite",le="10"} 5
        commit_seconds_bucket{engine="sqlite",le="+Inf"} 6
        commit_seconds_sum{engine="sqlite"} 108.506
        commit_seconds_count{engine="sqlite"} 6

        """)
  }

  @Test("a histogram without labels and observations is all zeros")
  func empty() {
    _ = registry.histogram("x_bytes", "x", bounds: [1])
    #expect(
      registry.exposition().hasSuffix(
        "x_bytes_bucket{le=\"1\"} 0\nx_bytes_bucket{le=\"+Inf\"} 0\nx_bytes_sum 0\nx_bytes_count 0\n"))
  }

  @Test("extreme values fall into the outer buckets, NaN into none")
  func extremes() {
    let histogram = registry.histogram("x", "x", bounds: [-1, 1])
    for value in [-Double.infinity, 1e300, .nan] { histogram.observe(value) }
    #expect(histogram.bucketCounts == [1, 0, 1])
  }

  @Test("durations are seconds")
  func durations() {
    let histogram = registry.histogram("x_seconds", "x", bounds: Histogram.latencyBounds)
    histogram.observe(.milliseconds(3))
    #expect(histogram.sum == 0.003)
    #expect(histogram.bucketCounts[5] == 1)
  }

  @Test("the bounds that we offer ascend")
  func bounds() {
    #expect(Histogram.sizeBounds.first == 256 && Histogram.sizeBounds.last == 67_108_864)
    for bounds in [Histogram.latencyBounds, Histogram.sizeBounds] { #expect(bounds == bounds.sorted()) }
  }
}
