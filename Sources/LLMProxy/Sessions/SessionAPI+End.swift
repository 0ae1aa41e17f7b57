import APISupport
import JSON
import TraceStore
import Transport

extension SessionAPI {
  /// Answers `POST /rl/end_session`.
  ///
  /// Asked again it gives the same answer.
  func end(_ request: HTTPRequest) async throws(SessionFailure) -> HTTPResponse {
    let active = try session(of: request, acceptsFinished: true)
    let ended = try await change { () throws(SessionKeyFault) in
      try await keys.store.endSession(active.session.row)
    }
    // It may have ended otherwise at the same moment.
    guard ended.ending == .finished else { throw SessionFailure(410, "Session already ended or expired") }
    let count = try await interactions(of: ended).count
    return JSONAnswer.make { writer in
      writer.beginObject()
      writer.key("message")
      writer.string("success")
      writer.key("interaction_count")
      writer.integer(Int64(count))
      writer.endObject()
    }
  }

  /// The calls of a session that are complete, without what was said in them.
  func interactions(of session: KeySession) async throws(SessionFailure) -> [Interaction] {
    try await recording(of: session, withMessages: false).interactions
  }

  /// Reads the calls of a session.
  ///
  /// - Parameter change: What becomes of them, on the thread that reads.
  func recording(
    of session: KeySession, withMessages: Bool, _ change: @escaping @Sendable (inout Recording) -> Void = { _ in }
  ) async throws(SessionFailure) -> Recording {
    await flush()
    let (rolloutID, attemptID) = (session.rolloutID, session.attemptID)
    do throws(StoreError) {
      return try await reader.read { session throws(StoreError) in
        var recording = try InteractionReader.read(
          session, rollout: rolloutID, attempt: attemptID, withMessages: withMessages)
        change(&recording)
        return recording
      }
    } catch {
      throw SessionFailure(error)
    }
  }
}
