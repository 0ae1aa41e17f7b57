package import Telemetry
import Threads
package import TraceStore

/// What a key is good for at the moment.
package enum SessionKeyMatch: Sendable {
  case active(ActiveSession)
  /// Answered with 410, like the next.
  case ended(KeySession)
  /// Its time is over, by age or for want of use.
  case expired(KeySession)
  /// Answered with 401.
  case unknown
}

/// A session as its key was shown.
///
/// It stays as it was: whoever has begun to serve a request with it may finish, also when the session ends meanwhile.
package struct ActiveSession: Sendable {
  package let session: KeySession

  package var rolloutID: String { session.rolloutID }
  package var attemptID: String { session.attemptID }

  /// How spans of its requests are tagged.
  package var tag: RolloutTag { RolloutTag(rolloutID: rolloutID, attemptID: attemptID, rule: .request) }

  /// Whether a model may be asked for.
  package func allows(model: String) -> Bool {
    session.limits.models.map { $0.contains { $0.utf8.elementsEqual(model.utf8) } } ?? true
  }
}

/// Finds the sessions of keys, for each request and without waiting for anybody.
package final class SessionKeys: Sendable {
  let store: any SessionKeyStore
  let settings: SessionSettings
  /// Nanoseconds since 1970.
  let now: @Sendable () -> Int64
  private let lastSweep: Locked<Int64>

  package init(store: any SessionKeyStore, settings: SessionSettings, now: @escaping @Sendable () -> Int64) {
    self.store = store
    self.settings = settings
    self.now = now
    lastSweep = Locked(now())
  }

  /// Looks a key up, as a request shows it.
  package func find(_ key: String) -> SessionKeyMatch {
    guard let hash = SessionKey.hash(key), let session = store.sessionKeys.session(of: hash) else { return .unknown }
    switch session.ending(now: now()) {
    case nil: return .active(ActiveSession(session: session))
    case .expired, .idle: return .expired(session)
    case .finished, .attemptEnded, .refreshed: return .ended(session)
    }
  }

  /// Notes that a request begins.
  ///
  /// - Returns: `false` when the session has made as many requests as it may, which is answered with 429.
  package func noteRequest(of active: ActiveSession) -> Bool {
    store.sessionKeys.use(active.session.row, now: now(), countsRequest: true)
  }

  /// Notes a sign of life that is no request, such as the end of a long stream.
  package func noteUse(of active: ActiveSession) {
    _ = store.sessionKeys.use(active.session.row, now: now(), countsRequest: false)
  }

  /// How often that should be done.
  package var sweepInterval: Duration { settings.sweepInterval }

  /// Ends the sessions whose time is over, unless that was done a moment ago.
  package func sweepIfDue() async {
    let now = now()
    let interval = settings.sweepInterval.nanoseconds
    let isDue = lastSweep.withLock { last in
      // After the clock was set back, what is due is not known.
      guard now - last >= interval || now < last else { return false }
      last = now
      return true
    }
    if isDue { await sweep() }
  }

  /// Ends the sessions whose time is over.
  package func sweep() async {
    // What fails is due with the next sweep, and an expired key is refused all the same.
    try? await store.sweepSessions(keepingEndedFor: settings.endedAge.nanoseconds, atMost: settings.mostEnded)
  }
}

extension Duration {
  /// Whole nanoseconds.
  var nanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
}
