package import TraceStore

/// What a user sets of sessions.
package struct SessionSettings: Sendable {
  /// What may be done with a key whose request says nothing else; an hour without use ends a session.
  package var limits = SessionLimits(idleTimeout: 3_600_000_000_000)
  /// Sessions that may be open; `nil` = without limit.
  package var mostOpen: Int?
  /// For how long a session that has ended can be exported.
  package var endedAge = Duration.seconds(7 * 86_400)
  /// Sessions that have ended of which the newest are kept.
  package var mostEnded = 10_000
  /// The time between two looks for sessions whose time is over.
  package var sweepInterval = Duration.seconds(60)
  /// How long an export waits for the end of its session.
  package var exportWait = Duration.seconds(3_600)
  /// The largest body of a request, in bytes.
  package var requestBytes = 256 << 10

  package init() {}
}
