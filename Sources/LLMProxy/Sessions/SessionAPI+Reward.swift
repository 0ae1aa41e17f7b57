import APISupport
import JSON
import Telemetry
import TraceStore
import Transport

extension SessionAPI {
  /// Answers `POST /rl/set_reward`.
  func setReward(_ request: HTTPRequest) async throws(SessionFailure) -> HTTPResponse {
    let active = try session(of: request)
    let members = try await members(request)
    guard let reward = try members.number("reward") else { throw SessionFailure(422, "reward must be a number") }
    let id = try members.text("interaction_id")
    keys.noteUse(of: active)
    let interactions = try await interactions(of: active.session)
    guard let interaction = try Self.find(id, interactions) else {
      throw SessionFailure(400, "No interactions in session")
    }
    try await store(reward, for: interaction, active.session)
    return Self.answer(active.session, count: interactions.count)
  }

  /// The interaction of an id, or the last one.
  private static func find(_ id: String?, _ interactions: [Interaction]) throws(SessionFailure) -> Interaction? {
    guard let id else { return interactions.last }
    guard let found = interactions.last(where: { $0.id.utf8.elementsEqual(id.utf8) }) else {
      throw SessionFailure(400, "Interaction \(id.count <= 64 ? id : id.prefix(64) + "...") not found")
    }
    return found
  }

  private func store(_ reward: Double, for interaction: Interaction, _ session: KeySession)
    async throws(SessionFailure)
  {
    do throws(RolloutFault) {
      let sequence = try await rollouts.nextSequence(rollout: session.rolloutID, attempt: session.attemptID, once: nil)
      let span = RewardSpan(
        reward: reward, interaction: interaction, session: session, sequence: sequence, time: keys.now())
      guard let new = span.newSpan else { throw RolloutFault.store(StoreError(.refused, "the span cannot be stored")) }
      _ = try await rollouts.add(new)
    } catch {
      throw SessionFailure(error)
    }
  }

  private static func answer(_ session: KeySession, count: Int) -> HTTPResponse {
    JSONAnswer.make { writer in
      writer.beginObject()
      writer.key("message")
      writer.string("success")
      writer.key("interaction_count")
      writer.integer(Int64(count))
      writer.key("session_id")
      writer.string(session.id)
      // Of AReaL's second version, where a reward closes a trajectory; here the end of the session does.
      writer.key("trajectory_id")
      writer.null()
      writer.key("trajectory_ready")
      writer.bool(false)
      writer.key("ready_transition")
      writer.bool(false)
      writer.endObject()
    }
  }
}
