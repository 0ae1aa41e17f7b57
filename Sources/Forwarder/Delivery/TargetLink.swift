/// What a target is trusted with, by what it has answered.
///
/// While it does not answer, single spans try it; when it does again, requests grow.
package struct TargetLink: Sendable {
  /// By how much requests grow with each that is taken.
  private static let growth = 8
  /// How often a target may fail with the same span in front before the span is suspected.
  static let patience = 4

  private let largest: Int
  /// Spans of the next request, at most.
  package private(set) var allowance = 1
  /// Failures in a row that may be the spans' fault.
  private var failures = 0

  package init(largest: Int) { self.largest = largest }

  /// Whether requests are as large as they may be.
  package var isTrusted: Bool { allowance == largest }

  package mutating func accepted() {
    allowance = min(largest, allowance * Self.growth)
    failures = 0
  }

  package mutating func unavailable() { allowance = 1 }

  /// - Returns: Whether it is time to look at the spans.
  package mutating func failed() -> Bool {
    allowance = 1
    failures += 1
    return failures >= Self.patience
  }
}
