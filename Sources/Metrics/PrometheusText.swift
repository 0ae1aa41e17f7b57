/// Writes the text format of Prometheus, version 0.0.4.
///
/// [Exposition formats](https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format)
struct PrometheusText {
  private(set) var text = ""

  mutating func append(_ family: MetricFamily) {
    text += "# HELP \(family.name) \(escapeHelp(family.help))\n"
    text += "# TYPE \(family.name) \(family.kind.rawValue)\n"
    for metric in family.metrics {
      let labels = metric.labels.elements
      switch metric.source {
      case .counter(let read): appendSample(family.name, labels, String(read()))
      case .gauge(let read): appendSample(family.name, labels, format(read()))
      case .histogram(let histogram): append(histogram, family.name, labels)
      }
    }
  }

  /// `_count` is the sum of the buckets as they were read, so that it equals the bucket `+Inf` in every exposition.
  private mutating func append(_ histogram: Histogram, _ name: String, _ labels: [(name: String, value: String)]) {
    var cumulated: UInt64 = 0
    for (bound, count) in zip(histogram.bounds + [.infinity], histogram.bucketCounts) {
      cumulated += count
      appendSample(name + "_bucket", labels + [("le", format(bound))], String(cumulated))
    }
    appendSample(name + "_sum", labels, format(histogram.sum))
    appendSample(name + "_count", labels, String(cumulated))
  }

  private mutating func appendSample(_ name: String, _ labels: [(name: String, value: String)], _ value: String) {
    text += name
    if !labels.isEmpty {
      text += "{"
      text += labels.map { "\($0.name)=\"\(escapeLabel($0.value))\"" }.joined(separator: ",")
      text += "}"
    }
    text += " \(value)\n"
  }
}

private func escapeHelp(_ text: String) -> String {
  var escaped = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\\": escaped += #"\\"#
    case "\n": escaped += #"\n"#
    default: escaped.unicodeScalars.append(scalar)
    }
  }
  return escaped
}

private func escapeLabel(_ text: String) -> String {
  var escaped = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\\": escaped += #"\\"#
    case "\n": escaped += #"\n"#
    case "\"": escaped += #"\""#
    default: escaped.unicodeScalars.append(scalar)
    }
  }
  return escaped
}

/// A number as Go's `ParseFloat` reads it.
private func format(_ value: Double) -> String {
  if value.isNaN { return "NaN" }
  if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
  // Whole numbers without ".0", as Prometheus' own clients write them; beyond 2^53 they are not exact anyway.
  if let whole = Int64(exactly: value), whole.magnitude < 1 << 53 { return String(whole) }
  return value.description
}
