/// Keeps the sessions that are bound to keys.
///
/// Each call is one transaction in the same order of events as the spans and the rollouts, and returns after its commit:
/// either all of it has happened or nothing. The index shows what has happened when a call returns.
package protocol SessionKeyStore: Sendable {
  /// Finds sessions without waiting.
  var sessionKeys: SessionKeyIndex { get }

  /// Makes sessions, each with a rollout and its first attempt.
  ///
  /// - Parameter mostOpen: How many sessions may be open then; `nil` = without limit.
  /// - Throws: `noCapacity` when there would be more.
  func startSessions(_ new: [NewKeySession], mostOpen: Int?) async throws(SessionKeyFault) -> [KeySession]

  /// Lets a key go on to a new session: ends the old one with its attempt, when it is open, and starts a new attempt.
  ///
  /// The attempt is another one of the same rollout when the task is the same; else it is the first of a new rollout.
  ///
  /// - Parameters:
  ///   - row: The session that the key has now.
  ///   - new: What follows it, with the same key.
  /// - Throws: `bound` when the key has another session by now, `unknown` when it has none, `noCapacity`.
  func refreshSession(_ row: Int64, with new: NewKeySession, mostOpen: Int?) async throws(SessionKeyFault) -> KeySession

  /// Ends a session and its attempt, which has succeeded; one that is over stays as it is.
  ///
  /// - Throws: `unknown`
  func endSession(_ row: Int64) async throws(SessionKeyFault) -> KeySession

  /// Forgets a session, and its key unless that has gone on to another one; the attempt and its spans stay.
  func removeSession(_ row: Int64) async throws(SessionKeyFault)

  /// Ends the sessions whose time is over with their attempts, forgets those that ended long ago, and notes how much each
  /// was used.
  ///
  /// - Parameters:
  ///   - age: Nanoseconds for which a session that has ended is kept.
  ///   - count: Sessions that have ended of which the newest are kept.
  func sweepSessions(keepingEndedFor age: Int64, atMost count: Int) async throws(SessionKeyFault)
}

/// Why a call was refused.
package enum SessionKeyFault: Error, Hashable, Sendable {
  /// As many sessions are open as may be.
  case noCapacity
  /// The key has gone on to the session of this id.
  case bound(String)
  /// There is no such session.
  case unknown
  case store(StoreError)
}
