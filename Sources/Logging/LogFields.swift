/// The fields of a log line, in the order in which they are written.
///
/// ```swift
/// logger.info("listening", ["address": .described(address), "loops": .count(loops)])
/// ```
///
/// Names are words of the program, never of its input, other than `time`, `level` and `message`, and distinct.
package struct LogFields: Sendable, ExpressibleByDictionaryLiteral {
  var elements: [(name: String, value: LogValue)]

  /// Keeps the order of the literal.
  package init(dictionaryLiteral elements: (String, LogValue)...) { self.elements = elements }

  /// The fields, and behind them some more.
  package static func + (first: LogFields, second: LogFields) -> LogFields {
    var sum = first
    sum.elements += second.elements
    return sum
  }
}
