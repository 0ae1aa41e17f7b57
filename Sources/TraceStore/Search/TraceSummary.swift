package import Telemetry

/// A trace in a few numbers.
package struct TraceSummary: Sendable {
  /// What the spans of one service add up to.
  package struct Service: Sendable {
    /// `nil` for spans whose resource names none.
    package var name: String?
    package var spans = 0
    package var errors = 0

    package init(name: String?) { self.name = name }
  }

  package var traceID: TraceID
  /// The earliest span that has no parent in the trace.
  package var rootService: String?
  /// At most as much of the name as the index keeps.
  package var rootOperation = ""
  /// The earliest start and the latest end, nanoseconds since 1970.
  package var start = UInt64.max
  package var end: UInt64 = 0
  package var spans = 0
  package var errors = 0
  /// Spans that name a parent which is not in the trace.
  package var orphans = 0
  /// In the order of their first spans.
  package var services: [Service] = []

  package init(traceID: TraceID) { self.traceID = traceID }
}
