import APISupport
import JSON
import Telemetry
import Threads
import TraceStore
import Transport

/// What a start is asked for.
private struct StartRequest {
  var taskID: String
  /// A key that is to go on.
  var key: String?
  var groupSize: Int64?
  var limits: SessionLimits

  /// A session's id is this and a number; ids of the store have at most 1,024 bytes.
  private static let longestTask = 900
  private static let largestGroup: Int64 = 256

  init(_ members: SessionRequestMembers, _ standard: SessionLimits) throws(SessionFailure) {
    guard let taskID = try members.text("task_id"), (1...Self.longestTask).contains(taskID.utf8.count) else {
      throw SessionFailure(422, "task_id must be a string of 1 to \(Self.longestTask) bytes")
    }
    self.taskID = taskID
    let key = try members.text("api_key")
    self.key = key?.isEmpty == true ? nil : key
    groupSize = try members.integer("group_size", 1...Self.largestGroup)
    limits = SessionLimits(
      lifetime: try members.duration("expires_in") ?? standard.lifetime,
      idleTimeout: try members.duration("idle_timeout") ?? standard.idleTimeout,
      models: try members.texts("models") ?? standard.models,
      requests: try members.integer("max_requests", 1...(.max)) ?? standard.requests)
    if self.key != nil, groupSize ?? 1 > 1 { throw SessionFailure(400, "one key cannot serve a group of sessions") }
  }
}

extension SessionAPI {
  /// Answers `POST /rl/start_session`.
  func start(_ request: HTTPRequest) async throws(SessionFailure) -> HTTPResponse {
    try requireAdmin(request)
    let start = try StartRequest(try await members(request), settings.limits)
    await keys.sweepIfDue()
    let groupID = "grp-" + Self.uuid()
    var started: [(session: KeySession, key: String)] = []
    if let key = start.key, !key.isEmpty {
      try refuseAdminKey(key, request)
      if let session = try await refresh(key, start, groupID) { started = [(session, key)] }
    }
    // A key that nobody has handed out is not taken: who asks for it gets one of ours.
    if started.isEmpty { started = try await startNew(start, groupID) }
    let isSecondVersion = start.groupSize != nil
    return Self.answer(started, groupID: groupID, status: isSecondVersion ? 201 : 200)
  }

  private func refuseAdminKey(_ key: String, _ request: HTTPRequest) throws(SessionFailure) {
    guard let isAdmin else { return }
    var probe = HTTPRequest(method: .post, path: request.path, peer: request.peer)
    probe.headers.append("authorization", "Bearer \(key)")
    if isAdmin(probe) { throw SessionFailure(400, "Cannot use the admin API key as a session key.") }
  }

  private func startNew(_ start: StartRequest, _ groupID: String) async throws(SessionFailure) -> [(
    session: KeySession, key: String
  )] {
    var minted: [String] = []
    var new: [NewKeySession] = []
    for _ in 0..<(start.groupSize ?? 1) {
      let key = SessionKey.mint()
      guard let hash = SessionKey.hash(key) else { continue }
      minted.append(key)
      new.append(Self.newSession(start, groupID, hash))
    }
    let (wanted, mostOpen) = (new, settings.mostOpen)
    let sessions = try await change { () throws(SessionKeyFault) in
      do throws(SessionKeyFault) {
        return try await keys.store.startSessions(wanted, mostOpen: mostOpen)
      } catch {
        guard error == .noCapacity else { throw error }
        // Some may be open only because nobody has looked.
        await keys.sweep()
        return try await keys.store.startSessions(wanted, mostOpen: mostOpen)
      }
    }
    return zip(sessions, minted).map { ($0, $1) }
  }

  /// Lets a key go on to a new session.
  ///
  /// - Returns: `nil` for a key that is not known.
  private func refresh(_ key: String, _ start: StartRequest, _ groupID: String) async throws(SessionFailure)
    -> KeySession?
  {
    guard let hash = SessionKey.hash(key), let current = keys.store.sessionKeys.session(of: hash) else { return nil }
    guard refreshing.withLock({ $0.insert(hash).inserted }) else {
      throw SessionFailure(429, "a refresh of this key is running", retryAfter: 1)
    }
    defer { refreshing.withLock { _ = $0.remove(hash) } }
    do throws(SessionKeyFault) {
      return try await keys.store.refreshSession(
        current.row, with: Self.newSession(start, groupID, hash), mostOpen: settings.mostOpen)
    } catch {
      // It was exported, or swept away, since it was found.
      if error == .unknown { return nil }
      throw SessionFailure(error)
    }
  }

  private static func newSession(_ start: StartRequest, _ groupID: String, _ hash: SessionKeyHash) -> NewKeySession {
    var input = JSONWriter()
    input.beginObject()
    input.key("task_id")
    input.string(start.taskID)
    input.endObject()
    var metadata = JSONWriter()
    metadata.beginObject()
    metadata.key("session_group_id")
    metadata.string(groupID)
    metadata.endObject()
    let rollout = NewRollout(
      input: JSONText(String(decoding: input.bytes, as: UTF8.self)),
      metadata: JSONText(String(decoding: metadata.bytes, as: UTF8.self)))
    return NewKeySession(
      taskID: start.taskID, groupID: groupID, key: hash, limits: start.limits, rollout: rollout)
  }

  private static func answer(_ started: [(session: KeySession, key: String)], groupID: String, status: Int)
    -> HTTPResponse
  {
    var response = JSONAnswer.make(status) { writer in
      writer.beginObject()
      if let first = started.first {
        writer.key("session_id")
        writer.string(first.session.id)
        writer.key("api_key")
        writer.string(first.key)
      }
      writer.key("group_id")
      writer.string(groupID)
      writer.key("sessions")
      writer.beginArray()
      for (session, key) in started {
        writer.beginObject()
        writer.key("session_id")
        writer.string(session.id)
        writer.key("session_api_key")
        writer.string(key)
        writer.key("rollout_id")
        writer.string(session.rolloutID)
        writer.key("attempt_id")
        writer.string(session.attemptID)
        writer.endObject()
      }
      writer.endArray()
      writer.endObject()
    }
    // The answer has secrets in it.
    response.headers.append("cache-control", "no-store")
    return response
  }

  /// A random UUID ([RFC 9562, 5.4](https://www.rfc-editor.org/rfc/rfc9562#section-5.4)).
  private static func uuid() -> String {
    var generator = SystemRandomNumberGenerator()
    let high = generator.next() & ~0xF000 | 0x4000
    let low = generator.next() & ~(3 << 62) | 1 << 63
    let digits = Array(TraceID(high: high, low: low).description.utf8)
    let parts = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(decoding: digits[$0], as: UTF8.self) }
    return parts.joined(separator: "-")
  }
}
