internal import Threads

/// The metrics of one program, for Prometheus to read.
///
/// Metrics are made by the components that count, mostly at start; making one takes a lock, counting does not. A name
/// that is not valid, a metric that exists already and a family of two kinds are faults of the program and trap.
///
/// ```swift
/// let refused = registry.counter("fulgurite_spans_refused_total", "Spans that were refused.", labels: ["transport": "grpc"])
/// refused.increment()
/// ```
package final class MetricsRegistry: Sendable {
  private let families = Locked<[MetricFamily]>([])

  /// Makes a registry without metrics.
  package init() {}

  /// Makes a counter.
  ///
  /// - Parameters:
  ///   - name: Ends in `_total`, with the unit before it (`_bytes_total`).
  ///   - help: One sentence.
  package func counter(_ name: String, _ help: String, labels: MetricLabels = [:]) -> Counter {
    let counter = Counter()
    self.counter(name, help, labels: labels) { counter.value }
    return counter
  }

  /// Shows a count that is kept elsewhere, as a counter.
  ///
  /// - Parameter read: Called for every exposition, on its thread; must not block, nor call the registry.
  package func counter(
    _ name: String, _ help: String, labels: MetricLabels = [:], read: @escaping @Sendable () -> UInt64
  ) {
    precondition(name.hasSuffix("_total"), "the name of a counter ends in _total")
    add(.counter(read), name, help, .counter, labels)
  }

  /// Makes a gauge.
  package func gauge(_ name: String, _ help: String, labels: MetricLabels = [:]) -> Gauge {
    let gauge = Gauge()
    self.gauge(name, help, labels: labels) { Double(gauge.value) }
    return gauge
  }

  /// Shows a value that is kept elsewhere, as a gauge.
  ///
  /// - Parameter read: Called for every exposition, on its thread; must not block, nor call the registry.
  package func gauge(
    _ name: String, _ help: String, labels: MetricLabels = [:], read: @escaping @Sendable () -> Double
  ) {
    add(.gauge(read), name, help, .gauge, labels)
  }

  /// Makes a histogram.
  ///
  /// - Parameters:
  ///   - name: Ends in the unit (`_seconds`, `_bytes`).
  ///   - bounds: The upper bounds of the buckets, ascending and finite; the bucket `+Inf` is implied.
  package func histogram(_ name: String, _ help: String, labels: MetricLabels = [:], bounds: [Double]) -> Histogram {
    let histogram = Histogram(bounds: bounds)
    add(.histogram(histogram), name, help, .histogram, labels)
    return histogram
  }

  /// Renders all metrics, in the order in which their families were made.
  ///
  /// - Returns: The body of an answer of the type ``contentType``.
  package func exposition() -> String {
    var text = PrometheusText()
    // A copy, so that no callback runs under the lock.
    for family in families.withLock({ $0 }) { text.append(family) }
    return text.text
  }

  /// The content type of ``exposition()``.
  package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  private func add(
    _ source: MetricFamily.Source, _ name: String, _ help: String, _ kind: MetricFamily.Kind, _ labels: MetricLabels
  ) {
    precondition(isValidMetricName(name), "a metric is not called that")
    let metric = MetricFamily.Metric(labels: labels, source: source)
    families.withLock { families in
      guard let index = families.firstIndex(where: { $0.name == name }) else {
        families.append(MetricFamily(name: name, help: help, kind: kind, metrics: [metric]))
        return
      }
      precondition(families[index].kind == kind && families[index].help == help, "a family has one kind and one help")
      precondition(!families[index].metrics.contains { $0.labels.isSame(as: labels) }, "the metric exists already")
      families[index].metrics.append(metric)
    }
  }
}
