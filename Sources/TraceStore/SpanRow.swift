package import Telemetry

/// A stored span, as the index knows it.
///
/// An answer has thousands of rows, which are sorted and passed on, so a row is small: what is the same for many spans is
/// shared, and what only some queries look at stands beside it.
package struct SpanRow: Sendable {
  /// The number of its arrival; unique, ascending, never changed.
  package let arrival: Int64
  /// The number in the rollout; `nil` for a span without one.
  package let sequence: Int64?
  /// Where it belongs.
  package let attempt: SpanAttempt
  /// Where its bytes lie; means something to the engine alone.
  package let segment: Int64
  package let offset: Int
  private var storedDetails: Details?

  private final class Details: Sendable {
    let value: SpanDetails

    init(_ value: SpanDetails) { self.value = value }
  }

  /// Makes a row without details.
  package init(arrival: Int64, sequence: Int64?, attempt: SpanAttempt, segment: Int64, offset: Int) {
    self.arrival = arrival
    self.sequence = sequence
    self.attempt = attempt
    self.segment = segment
    self.offset = offset
    storedDetails = nil
  }

  /// The rest of what the index knows.
  ///
  /// - Precondition: They were set, which the store does if the query ``SpanQuery/needsDetails``.
  package var details: SpanDetails {
    get {
      guard let storedDetails else { preconditionFailure("the query did not ask for details") }
      return storedDetails.value
    }
    set { storedDetails = Details(newValue) }
  }
}

/// The rollout and the attempt that spans belong to; one for all of their rows.
package final class SpanAttempt: Sendable {
  package let rolloutID: String?
  package let attemptID: String?
  /// Its place among the attempts of a rollout, by their first spans; 0 where that was not asked for.
  package let rank: Int

  package init(rolloutID: String?, attemptID: String?, rank: Int = 0) {
    self.rolloutID = rolloutID
    self.attemptID = attemptID
    self.rank = rank
  }
}

// As if a row had all of it.
extension SpanRow {
  package var rolloutID: String? { attempt.rolloutID }
  package var attemptID: String? { attempt.attemptID }
  package var traceID: TraceID { details.traceID }
  package var spanID: SpanID { details.spanID }
  package var variant: Int64 { details.variant }
  package var parentID: SpanID? { details.parentID }
  package var rule: TagRule { details.rule }
  package var name: String { details.name }
  package var kind: Int32 { details.kind }
  package var statusCode: Int32 { details.statusCode }
  package var startTime: UInt64 { details.startTime }
  package var endTime: UInt64 { details.endTime }
}
