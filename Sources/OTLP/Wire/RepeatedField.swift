/// Where the occurrences of a repeated field lie in a message.
///
/// Other fields can lie between them, so whoever reads `extent` looks at the tags again.
package struct RepeatedField: Sendable {
  /// The number of occurrences.
  package private(set) var count = 0
  /// From the first tag to behind the last value.
  package private(set) var extent = 0..<0

  /// Adds an occurrence, from its tag to behind its value.
  @inline(__always)
  mutating func add(_ range: Range<Int>) {
    extent = (count == 0 ? range.lowerBound : extent.lowerBound)..<range.upperBound
    count += 1
  }
}
