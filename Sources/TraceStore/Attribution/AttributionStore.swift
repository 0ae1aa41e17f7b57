package import Telemetry

/// Takes facts about where spans belong.
///
/// Each call is one transaction. Spans that a fact concerns are tagged anew in it, or soon after it when they are many.
package protocol AttributionStore: Sendable {
  /// Registers a binding.
  ///
  /// - Returns: The binding, and whether it is new; the same words again are the same binding.
  func bind(_ binding: NewBinding) async throws(StoreError) -> (binding: TraceBinding, isNew: Bool)

  /// Takes a binding back.
  ///
  /// - Returns: Whether it was there.
  func unbind(_ id: Int64) async throws(StoreError) -> Bool

  /// Registers a session, in place of the registration of the same session with the same start.
  ///
  /// - Returns: The registration, and whether it is new; one that was replaced keeps its number.
  func register(_ session: NewSession) async throws(StoreError) -> (registration: SessionRegistration, isNew: Bool)

  /// Takes the registration of a session back.
  ///
  /// - Returns: Whether it was there.
  func unregister(session id: Int64) async throws(StoreError) -> Bool

  /// Binds the traces of unassigned spans to a rollout.
  func claim(_ claim: UnassignedClaim) async throws(StoreError) -> ClaimResult

  /// Tells which stored spans are tagged anew.
  var retags: RetagWatch { get }
}

/// Which unassigned spans to assign, and to whom.
///
/// It concerns the traces that have such spans now, never later ones.
package struct UnassignedClaim: Sendable {
  package enum Spans: Hashable, Sendable {
    case traces([TraceID])
    /// Spans that name a session.
    case session(String)
    /// Spans that overlap a window of time, in nanoseconds since 1970, without its end.
    case window(from: UInt64, to: UInt64)
  }

  package var spans: Spans
  package var rolloutID: String
  package var attemptID: String?

  package init(_ spans: Spans, rolloutID: String, attemptID: String? = nil) {
    self.spans = spans
    self.rolloutID = rolloutID
    self.attemptID = attemptID
  }
}

/// What a claim has found.
package struct ClaimResult: Sendable {
  /// The bindings that it stands for, at most ``UnassignedClaim/mostTraces`` of them.
  package var bindings: [TraceBinding]
  /// Whether there are more traces, which the same claim again would bind.
  package var hasMore: Bool

  package init(bindings: [TraceBinding], hasMore: Bool) {
    self.bindings = bindings
    self.hasMore = hasMore
  }
}

extension UnassignedClaim {
  /// Traces that one claim binds.
  package static let mostTraces = 10_000
}

/// For whom rollouts are made on their own.
package enum AutoRollout: String, Sendable, CaseIterable {
  case off
  /// `trace-` and the trace id, for each trace with spans that nothing else assigns.
  case trace
  /// `session-` and the session, for spans that name one and that nothing else assigns.
  case session

  /// The rollout of a trace.
  package static func rolloutID(ofTrace id: TraceID) -> String { "trace-\(id)" }

  /// The rollout of a session.
  package static func rolloutID(ofSession session: String) -> String { "session-\(session)" }
}
