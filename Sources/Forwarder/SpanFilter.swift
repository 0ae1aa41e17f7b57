package import TraceStore

/// Which spans a target wants.
package struct SpanFilter: Sendable, Hashable {
  /// A name, or the beginning of names where it ends in `*`.
  package struct Pattern: Sendable, Hashable {
    private let text: String
    private let isPrefix: Bool

    package init(_ text: String) {
      isPrefix = text.hasSuffix("*")
      self.text = isPrefix ? String(text.dropLast()) : text
    }

    func matches(_ name: String) -> Bool {
      // Bytes, not characters: ids that look alike are different.
      isPrefix ? name.utf8.starts(with: text.utf8) : name.utf8.elementsEqual(text.utf8)
    }
  }

  /// Services whose spans are wanted; empty = all.
  package var services: [Pattern] = []
  /// Rollouts whose spans are wanted; empty = all, and spans without one.
  package var rollouts: [Pattern] = []
  /// Whether only spans with the status of an error are wanted.
  package var errorsOnly = false

  package init() {}

  package func wants(_ span: ForwardSpan) -> Bool {
    if errorsOnly, span.statusCode != 2 { return false }
    return Self.isAmong(span.service, services) && Self.isAmong(span.attempt.rolloutID, rollouts)
  }

  private static func isAmong(_ name: String?, _ patterns: [Pattern]) -> Bool {
    if patterns.isEmpty { return true }
    guard let name else { return false }
    return patterns.contains { $0.matches(name) }
  }
}
