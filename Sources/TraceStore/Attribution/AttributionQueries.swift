package import Telemetry

/// A rollout and an attempt.
package struct RolloutPlace: Hashable, Sendable {
  package var rolloutID: String
  package var attemptID: String?

  package init(rolloutID: String, attemptID: String? = nil) {
    self.rolloutID = rolloutID
    self.attemptID = attemptID
  }
}

/// Why a span is where it is.
package struct AttributionReport: Sendable {
  /// What one rule says of the span.
  package struct Finding: Sendable {
    package var rule: TagRule
    package var place: RolloutPlace
    package var evidence: Evidence

    package init(rule: TagRule, place: RolloutPlace, evidence: Evidence) {
      self.rule = rule
      self.place = place
      self.evidence = evidence
    }
  }

  /// What a finding rests on.
  package enum Evidence: Sendable {
    /// The span's own attributes, its request, or its W3C context, as the rule says.
    case own
    /// Another span, and the rule of that.
    case span(TraceID, SpanID, rule: TagRule)
    /// Registered bindings of this span or an ancestor.
    case bindings([TraceBinding])
    /// What is known of the trace: its bindings, and the number of its spans that have tags of their own.
    case trace(bindings: [TraceBinding], spans: Int64)
    case session(SessionRegistration)
    /// The option that makes rollouts.
    case option(AutoRollout)
  }

  package var traceID: TraceID
  package var spanID: SpanID
  package var variant: Int64
  package var parentID: SpanID?
  /// As it is stored: of a large change that is still being made, this may be the state before.
  package var rolloutID: String?
  package var attemptID: String?
  package var rule: TagRule
  package var sequence: Int64?
  /// What the rules say, the strongest first.
  ///
  /// The first one holds; the second would without its evidence.
  package var findings: [Finding]
  /// Places that contradict each other, so that the rule `binding` says nothing.
  package var contradictions: [RolloutPlace]
  /// Whether the span is yet to be tagged anew.
  package var isPending: Bool

  package init(
    traceID: TraceID, spanID: SpanID, variant: Int64, parentID: SpanID?, rolloutID: String?, attemptID: String?,
    rule: TagRule, sequence: Int64?, findings: [Finding], contradictions: [RolloutPlace], isPending: Bool
  ) {
    self.traceID = traceID
    self.spanID = spanID
    self.variant = variant
    self.parentID = parentID
    self.rolloutID = rolloutID
    self.attemptID = attemptID
    self.rule = rule
    self.sequence = sequence
    self.findings = findings
    self.contradictions = contradictions
    self.isPending = isPending
  }
}

/// The unassigned spans of one trace.
package struct UnassignedTrace: Sendable {
  /// The place in the list; pass it as `after` to go on.
  package var position: Int64
  package var traceID: TraceID
  package var spans: Int64
  /// The lowest start and the highest end, in nanoseconds since 1970; 0 = unknown.
  package var startTime: UInt64
  package var endTime: UInt64
  /// Arrival numbers of the first and the last.
  package var firstArrival: Int64
  package var lastArrival: Int64
  /// The sessions that they name, at most ``mostSessions``.
  package var sessions: [String]
  /// `service.name` of the first.
  package var service: String?

  package static let mostSessions = 16

  package init(
    position: Int64, traceID: TraceID, spans: Int64, startTime: UInt64, endTime: UInt64, firstArrival: Int64,
    lastArrival: Int64, sessions: [String], service: String?
  ) {
    self.position = position
    self.traceID = traceID
    self.spans = spans
    self.startTime = startTime
    self.endTime = endTime
    self.firstArrival = firstArrival
    self.lastArrival = lastArrival
    self.sessions = sessions
    self.service = service
  }
}

/// Some traces that have unassigned spans.
package struct UnassignedPage: Sendable {
  package var traces: [UnassignedTrace]
  /// Pass it as `after` to go on; `nil` = there are no more.
  package var next: Int64?

  package init(traces: [UnassignedTrace], next: Int64?) {
    self.traces = traces
    self.next = next
  }
}

/// The unassigned spans that name one session by one attribute.
package struct UnassignedSession: Sendable {
  /// The place in the list; pass it as `after` to go on.
  package var position: Int64
  /// The attribute.
  package var key: SpanSession.Key
  package var session: String
  package var spans: Int64
  package var traces: Int64
  /// When the first and the last of them start, in nanoseconds since 1970; 0 = unknown.
  package var firstStart: UInt64
  package var lastStart: UInt64

  package init(
    position: Int64, key: SpanSession.Key, session: String, spans: Int64, traces: Int64, firstStart: UInt64,
    lastStart: UInt64
  ) {
    self.position = position
    self.key = key
    self.session = session
    self.spans = spans
    self.traces = traces
    self.firstStart = firstStart
    self.lastStart = lastStart
  }
}

/// Some sessions that unassigned spans name.
package struct UnassignedSessionPage: Sendable {
  package var sessions: [UnassignedSession]
  /// Pass it as `after` to go on; `nil` = there are no more.
  package var next: Int64?

  package init(sessions: [UnassignedSession], next: Int64?) {
    self.sessions = sessions
    self.next = next
  }
}

/// Unassigned spans, and the traces that they are in.
package struct UnassignedCount: Hashable, Sendable {
  package var spans: Int64
  package var traces: Int64

  package init(spans: Int64, traces: Int64) {
    self.spans = spans
    self.traces = traces
  }
}

/// Reads what is known of where spans belong; a part of every `ReadSession`.
package protocol AttributionSession {
  /// Lists bindings in the order of their numbers, of one trace if there is one.
  func bindings(of trace: TraceID?, after: Int64, limit: Int) throws(StoreError) -> [TraceBinding]

  /// Lists registrations in the order of their numbers, of one session if there is one.
  func sessions(_ session: String?, after: Int64, limit: Int) throws(StoreError) -> [SessionRegistration]

  /// Explains the tags of a span, one report for each that came under these ids.
  func attribution(of traceID: TraceID, _ spanID: SpanID) throws(StoreError) -> [AttributionReport]

  /// Lists traces that have unassigned spans, in the order in which the traces were first seen.
  ///
  /// - Parameter window: Only traces with such a span that overlaps this time, in nanoseconds since 1970. A page ends early
  ///   where many traces have none.
  func unassignedTraces(after: Int64, limit: Int, window: Range<UInt64>?) throws(StoreError) -> UnassignedPage

  /// Lists sessions that unassigned spans name, once for each attribute that names them, in the order in which the sessions
  /// were first seen.
  ///
  /// A span that names several is counted with each.
  ///
  /// - Parameter window: Only sessions with such a span that overlaps this time, in nanoseconds since 1970. A page ends early
  ///   where many sessions have none.
  func unassignedSessions(after: Int64, limit: Int, window: Range<UInt64>?) throws(StoreError) -> UnassignedSessionPage

  /// Counts unassigned spans that name no session.
  ///
  /// - Returns: `nil` when there are too many to count.
  func unassignedWithoutSession() throws(StoreError) -> UnassignedCount?

  /// Counts the spans of a rollout by their rules.
  func spanCounts(ofRollout id: String, byRule: ()) throws(StoreError) -> [TagRule: Int64]

  /// Pieces of work that are left to tag stored spans anew; 0 when all tags are as the facts say.
  func pendingRetagging() throws(StoreError) -> Int64

  /// The arrival number of the last span of the store that had come when attempts of a rollout ended, by attempt.
  ///
  /// - Returns: Attempts that have ended, as far as the engine has noted it.
  func lastArrivals(atEndsOf rollout: String) throws(StoreError) -> [String: Int64]
}

extension AttributionSession {
  /// An engine that does not note it knows of none.
  package func lastArrivals(atEndsOf rollout: String) throws(StoreError) -> [String: Int64] { [:] }
}
