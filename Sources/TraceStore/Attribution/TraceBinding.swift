package import Telemetry

/// Somebody's word that a trace, or what begins with one of its spans, belongs to a rollout.
///
/// It may come before the spans do. Bindings of one trace add up: two that differ leave its spans to other evidence.
package struct NewBinding: Hashable, Sendable {
  package var traceID: TraceID
  /// The span at the top of what is bound; `nil` = the whole trace.
  package var spanID: SpanID?
  package var rolloutID: String
  package var attemptID: String?

  package init(traceID: TraceID, spanID: SpanID? = nil, rolloutID: String, attemptID: String? = nil) {
    self.traceID = traceID
    self.spanID = spanID
    self.rolloutID = rolloutID
    self.attemptID = attemptID
  }
}

/// A binding that is registered.
package struct TraceBinding: Hashable, Sendable {
  /// Its number, ascending in the order of registration; the place in lists.
  package var id: Int64
  package var new: NewBinding
  /// Nanoseconds since 1970.
  package var created: Int64

  package init(id: Int64, new: NewBinding, created: Int64) {
    self.id = id
    self.new = new
    self.created = created
  }
}

/// Somebody's word that a session works for a rollout for some time.
///
/// Of the registrations of one session that hold a span's start, the one with the latest start counts.
package struct NewSession: Hashable, Sendable {
  /// The value of `session.id`, `gen_ai.conversation.id`, `openclaw.session_id` or `openclaw.sessionKey`.
  package var session: String
  package var rolloutID: String
  package var attemptID: String?
  /// The first instant at which a span may start, in nanoseconds since 1970.
  package var from: UInt64
  /// The first instant that is too late; `nil` = none.
  package var to: UInt64?

  package init(session: String, rolloutID: String, attemptID: String? = nil, from: UInt64, to: UInt64? = nil) {
    self.session = session
    self.rolloutID = rolloutID
    self.attemptID = attemptID
    self.from = from
    self.to = to
  }
}

/// A session that is registered.
package struct SessionRegistration: Hashable, Sendable {
  /// Its number, ascending in the order of registration; the place in lists.
  package var id: Int64
  package var new: NewSession
  /// Nanoseconds since 1970.
  package var created: Int64

  package init(id: Int64, new: NewSession, created: Int64) {
    self.id = id
    self.new = new
    self.created = created
  }
}
