/// The labels of a metric: names and values that are fixed when it is made.
///
/// Values come from the program, or few of them from its input: every new value is a new time series in every Prometheus
/// that reads them.
package struct MetricLabels: Sendable, ExpressibleByDictionaryLiteral {
  private(set) var elements: [(name: String, value: String)]

  /// Checks the names and keeps the order of the literal.
  package init(dictionaryLiteral elements: (String, String)...) {
    precondition(elements.allSatisfy { Self.isValid($0.0) }, "a label is not called that")
    precondition(Set(elements.map(\.0)).count == elements.count, "labels have distinct names")
    self.elements = elements
  }

  /// Adds a label of another name.
  package mutating func append(_ name: String, _ value: String) {
    precondition(Self.isValid(name) && !elements.contains { $0.name == name }, "labels have distinct names")
    elements.append((name, value))
  }

  /// Whether two sets are one, in whatever order.
  func isSame(as other: MetricLabels) -> Bool {
    elements.sorted { $0.name < $1.name }.elementsEqual(other.elements.sorted { $0.name < $1.name }) { $0 == $1 }
  }

  /// `[a-zA-Z_][a-zA-Z0-9_]*`, without the reserved `__` and `le`, which belongs to histograms
  /// ([data model](https://prometheus.io/docs/concepts/data_model/)).
  private static func isValid(_ name: String) -> Bool {
    guard let first = name.utf8.first, !isDigit(first), !name.hasPrefix("__"), name != "le" else { return false }
    return name.utf8.allSatisfy { isWordCharacter($0) }
  }
}

/// Whether a metric may be called that: `[a-zA-Z_:][a-zA-Z0-9_:]*`, here without the colon, which is for recording rules.
func isValidMetricName(_ name: String) -> Bool {
  guard let first = name.utf8.first, !isDigit(first) else { return false }
  return name.utf8.allSatisfy { isWordCharacter($0) }
}

private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

private func isWordCharacter(_ byte: UInt8) -> Bool {
  isDigit(byte) || byte == UInt8(ascii: "_")
    || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
}
