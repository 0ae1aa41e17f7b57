/// All metrics of one name; they differ in the values of their labels.
struct MetricFamily {
  enum Kind: String { case counter, gauge, histogram }

  enum Source {
    case counter(@Sendable () -> UInt64)
    case gauge(@Sendable () -> Double)
    case histogram(Histogram)
  }

  struct Metric {
    let labels: MetricLabels
    let source: Source
  }

  let name: String
  let help: String
  let kind: Kind
  var metrics: [Metric] = []
}
