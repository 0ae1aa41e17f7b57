import APISupport
import JSON
import Telemetry
import Threads
import TraceStore
import Transport

extension SessionAPI {
  /// Answers `POST /export_trajectories`.
  func export(_ request: HTTPRequest) async throws(SessionFailure) -> HTTPResponse {
    try requireAdmin(request)
    let members = try await members(request)
    guard let id = try members.text("session_id") else { throw SessionFailure(422, "session_id must be a string") }
    let discount = try members.number("discount") ?? 1
    guard let style = Trajectory.Style(rawValue: try members.text("style") ?? "individual") else {
      throw SessionFailure(400, "style must be individual or concat")
    }
    let dropsOrphans = try members.flag("drop_retry_orphans") ?? false
    let session = try await endedSession(id)
    let recording = try await recording(of: session, withMessages: true) { recording in
      recording.interactions = Trajectory.export(
        recording.interactions, style, discount: discount, dropsOrphans: dropsOrphans)
    }
    let stream = ExportStream(recording)
    let (store, row) = (keys.store, session.row)
    return HTTPResponse(
      status: 200, headers: ["content-type": "application/json"],
      body: .stream {
        if let piece = stream.next() { return piece }
        // An answer that ends well says that the session is gone; who did not get all of it asks again.
        try await store.removeSession(row)
        return nil
      })
  }

  /// Waits for the end of a session.
  private func endedSession(_ id: String) async throws(SessionFailure) -> KeySession {
    let index = keys.store.sessionKeys
    guard index.session(id: id) != nil else { throw SessionFailure(404, "Session \(Self.shown(id)) not found") }
    let now = keys.now
    let unended = await index.endings.wait(
      for: [ExactText(id)], until: .now + settings.exportWait, sleep: sleep
    ) { ids in
      ids.filter { id in index.session(id: id.text).map { $0.ending(now: now()) == nil } ?? false }
    }
    guard let session = index.session(id: id) else { throw SessionFailure(404, "Session \(Self.shown(id)) not found") }
    guard unended.isEmpty else { throw SessionFailure(408, "Session \(Self.shown(id)) has not ended in time") }
    guard session.ending == nil else { return session }
    // Its time is over, and nobody has noted that yet.
    return try await change { () throws(SessionKeyFault) in try await keys.store.endSession(session.row) }
  }

  private static func shown(_ id: String) -> String { id.count <= 64 ? id : id.prefix(64) + "..." }
}

/// The answer to an export, call by call: together they repeat what was said many times.
private final class ExportStream: Sendable {
  private struct State {
    var next = 0
    var writer = JSONWriter()
    var isDone = false
  }

  /// A piece is sent once it has so many bytes.
  private static let pieceSize = 256 << 10

  private let recording: Recording
  private let state = Locked(State())

  init(_ recording: Recording) { self.recording = recording }

  /// - Returns: `nil` behind the last piece.
  func next() -> [UInt8]? {
    state.withLock { state in
      guard !state.isDone else { return nil }
      if state.next == 0 { state.writer.tokens("{\"interactions\":{") }
      while state.next < recording.interactions.count, state.writer.bytes.count < Self.pieceSize {
        write(recording.interactions[state.next], to: &state.writer)
        state.next += 1
      }
      state.isDone = state.next == recording.interactions.count
      if state.isDone { state.writer.continuation("}}") }
      return state.writer.takePiece(isLast: state.isDone, reservingCapacity: Self.pieceSize)
    }
  }

  private func write(_ interaction: Interaction, to writer: inout JSONWriter) {
    writer.key(interaction.id)
    writer.beginObject()
    writer.key("messages")
    write(interaction.messages, to: &writer)
    writer.key("output_message_list")
    write(interaction.outputs, to: &writer)
    writer.key("reward")
    writer.double(interaction.reward ?? 0)
    writer.key("interaction_id")
    writer.string(interaction.id)
    writer.endObject()
  }

  private func write(_ messages: [Int], to writer: inout JSONWriter) {
    writer.beginArray()
    for place in messages {
      let text = recording.messages.texts[place]
      writer.json(text.span)
    }
    writer.endArray()
  }
}
