import Telemetry
import Threads

/// The sessions that are known, in memory: whoever has a request with a key looks here, and waits for nobody.
///
/// The engine fills it at the start, and changes it after the commit of what it shows. How much a key is used is noted
/// here first; the engine writes it down with ``SessionKeyStore/sweepSessions(keepingEndedFor:atMost:)``.
package final class SessionKeyIndex: Sendable {
  /// What a transaction has changed.
  package enum Change: Sendable {
    /// A session that is new or other than before.
    case put(KeySession)
    case remove(Int64)
  }

  fileprivate struct Entry {
    var session: KeySession
    /// Whether the engine has not written down how much it was used.
    var isUnsaved = false
  }

  fileprivate struct State {
    var entries: [Int64: Entry] = [:]
    var byKey: [SessionKeyHash: Int64] = [:]
    var byID: [ExactText: Int64] = [:]
    var open = 0
  }

  private let state = Locked(State())
  /// Tells when sessions, by their ids, are over or gone.
  package let endings = RolloutWatch()

  package init() {}

  // MARK: Look

  /// Sessions that nobody has ended.
  package var openCount: Int { state.withLock { $0.open } }

  /// All sessions, in no order.
  package var all: [KeySession] { state.withLock { $0.entries.values.map(\.session) } }

  /// The session that a key has now.
  package func session(of key: SessionKeyHash) -> KeySession? {
    state.withLock { state in state.byKey[key].flatMap { state.entries[$0]?.session } }
  }

  /// The session of an id.
  package func session(id: String) -> KeySession? {
    state.withLock { state in state.byID[ExactText(id)].flatMap { state.entries[$0]?.session } }
  }

  // MARK: Use

  /// Notes that a session is in use.
  ///
  /// - Parameter countsRequest: Whether a request begins, which the limit of the session may forbid.
  /// - Returns: `false` when as many requests were made as may be, and then nothing is noted.
  package func use(_ row: Int64, now: Int64, countsRequest: Bool) -> Bool {
    state.withLock { state in
      guard var entry = state.entries[row] else { return true }
      if countsRequest {
        if let limit = entry.session.limits.requests, entry.session.requests >= limit { return false }
        entry.session.requests += 1
      }
      entry.session.lastUsed = max(entry.session.lastUsed, now)
      entry.isUnsaved = true
      state.entries[row] = entry
      return true
    }
  }

  // MARK: The engine's

  /// Gives away what was used since the last time.
  package func takeUnsaved() -> [SessionUsage] {
    state.withLock { state in
      var usages: [SessionUsage] = []
      for (row, entry) in state.entries where entry.isUnsaved {
        usages.append(
          SessionUsage(row: row, lastUsed: entry.session.lastUsed, requests: entry.session.requests))
        state.entries[row]?.isUnsaved = false
      }
      return usages
    }
  }

  /// Takes back what could not be written down.
  package func putBack(_ usages: [SessionUsage]) {
    state.withLock { state in for usage in usages { state.entries[usage.row]?.isUnsaved = true } }
  }

  /// Shows what a transaction has changed, after its commit.
  package func apply(_ changes: [Change]) {
    guard !changes.isEmpty else { return }
    let ended = state.withLock { state in
      changes.compactMap { change -> String? in
        switch change {
        case .put(let session): state.put(session) ? session.id : nil
        case .remove(let row): state.remove(row)?.id
        }
      }
    }
    endings.finished(ended)
  }

  /// Shows what the database has, after it was opened.
  package func replace(with sessions: [KeySession]) {
    state.withLock { state in
      var known = State()
      swap(&known, &state)
      for session in sessions {
        // What was not written down yet goes on to count.
        if let before = known.entries[session.row] { state.entries[session.row] = before }
        _ = state.put(session)
      }
    }
    endings.lookAgain()
  }
}

extension SessionKeyIndex.State {
  /// - Returns: Whether the session has ended by this.
  fileprivate mutating func put(_ session: KeySession) -> Bool {
    let before = remove(session.row, keepingEntry: true)
    var session = session
    if let before {
      session.lastUsed = max(session.lastUsed, before.lastUsed)
      session.requests = max(session.requests, before.requests)
    }
    let isUnsaved = entries[session.row]?.isUnsaved ?? false
    entries[session.row] = SessionKeyIndex.Entry(session: session, isUnsaved: isUnsaved)
    byID[ExactText(session.id)] = session.row
    if let key = session.key { byKey[key] = session.row }
    if session.ending == nil { open += 1 }
    return session.ending != nil && before?.ending == nil
  }

  /// Takes a session out.
  fileprivate mutating func remove(_ row: Int64, keepingEntry: Bool = false) -> KeySession? {
    guard let session = entries[row]?.session else { return nil }
    // Another session may have the key by now.
    if let key = session.key, byKey[key] == row { byKey[key] = nil }
    if byID.removeValue(forKey: ExactText(session.id)) != nil, session.ending == nil { open -= 1 }
    if !keepingEntry { entries[row] = nil }
    return session
  }
}
