package import Telemetry

/// Which spans are wanted, in which order.
package struct SpanQuery: Sendable {
  /// Where to look.
  package enum Place: Sendable {
    /// One rollout, all of its attempts or one.
    case rollout(String, attempt: Attempt)
    /// One trace.
    case trace(TraceID)
    /// All spans that belong to no rollout.
    case unassigned
  }

  /// Attempts of a rollout.
  package enum Attempt: Sendable {
    case any
    case latest
    case id(String)
  }

  /// A condition on one span.
  package struct Condition: Sendable {
    package enum Field: Sendable { case traceID, spanID, parentID, name }
    package enum Comparison: Sendable {
      case equals
      /// The value occurs in the field, case-sensitive; false for a field that is absent.
      case contains
    }
    package var field: Field
    package var comparison: Comparison
    package var value: String

    package init(_ field: Field, _ comparison: Comparison, _ value: String) {
      self.field = field
      self.comparison = comparison
      self.value = value
    }

    /// Whether the span meets the condition.
    package func holds(for row: SpanRow) -> Bool {
      let actual: String? =
        switch field {
        case .traceID: row.traceText
        case .spanID: row.spanText
        case .parentID: row.parentText
        case .name: row.name
        }
      guard let actual else { return false }
      switch comparison {
      // Strings are compared as bytes: canonically equivalent names are different names.
      case .equals: return actual.utf8.elementsEqual(value.utf8)
      case .contains: return actual.containsBytes(of: value)
      }
    }
  }

  /// What the spans are sorted by; equal ones stay in the order of arrival.
  package enum SortKey: Sendable {
    case arrival, sequence, startTime, endTime, duration, name, traceID, spanID, parentID, rolloutID, attemptID
  }

  package var place: Place
  package var conditions: [Condition] = []
  /// Whether one condition suffices.
  package var matchesAny = false
  /// Only spans that arrived after this number.
  package var after: Int64 = 0
  package var sortKey: SortKey = .arrival
  package var isDescending = false
  /// Whether equal spans of a later attempt come before those of an earlier one, which is AGL's order.
  package var laterAttemptsFirst = false
  package var offset = 0
  /// `nil` = all.
  package var limit: Int?
  /// Whether the caller looks at the details of rows; they cost a third of the time that it takes to find spans.
  package var wantsDetails = true

  package init(_ place: Place) { self.place = place }

  /// Whether rows have their details, because the caller, a condition or the order looks at them.
  package var needsDetails: Bool {
    if wantsDetails || !conditions.isEmpty { return true }
    return switch sortKey {
    case .arrival, .sequence, .rolloutID, .attemptID: false
    case .startTime, .endTime, .duration, .name, .traceID, .spanID, .parentID: true
    }
  }

  /// Whether a span of the right place is wanted.
  package func accepts(_ row: SpanRow) -> Bool {
    guard row.arrival > after else { return false }
    if conditions.isEmpty { return true }
    return matchesAny
      ? conditions.contains { $0.holds(for: row) } : conditions.allSatisfy { $0.holds(for: row) }
  }
}

extension String {
  /// Whether the bytes of `other` occur in this string.
  func containsBytes(of other: String) -> Bool {
    let needle = Array(other.utf8)
    if needle.isEmpty { return true }
    let haystack = Array(utf8)
    guard haystack.count >= needle.count else { return false }
    return (0...haystack.count - needle.count).contains { haystack[$0..<$0 + needle.count].elementsEqual(needle) }
  }
}
