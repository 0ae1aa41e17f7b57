import Credentials
import Foundation
import JSON
import SQLiteStore
import Synchronization
import Telemetry
import Threads
import TraceStore
import Transport

@testable import LLMProxy

/// An answer as a test looks at it.
struct SessionReply {
  var status: Int
  var body: String
  var headers: HTTPHeaders

  var json: JSONValue? { try? JSONValue(parsing: Array(body.utf8).span) }

  subscript(_ name: String) -> JSONValue? { json?[name] }

  func text(_ name: String) -> String? { if case .string(let text)? = self[name] { text } else { nil } }
}

/// The sessions' interface over a store of its own, with a clock that the test moves.
final class SessionServer: Sendable {
  static let admin = "admin-key"

  let store: SQLiteStore
  let keys: SessionKeys
  let api: SessionAPI
  let clock: Clock
  let flushes: Counter
  private let spanIDs = Atomic<UInt64>(1)

  final class Clock: Sendable {
    let nanoseconds = Atomic<Int64>(1_000_000_000_000)

    var now: @Sendable () -> Int64 { { self.nanoseconds.load(ordering: .relaxed) } }

    func advance(_ seconds: Int64) { nanoseconds.add(seconds * 1_000_000_000, ordering: .relaxed) }
  }

  final class Counter: Sendable {
    let value = Atomic<Int>(0)
  }

  init(folder: String, hasAdmin: Bool = true, _ configure: (inout SessionSettings) -> Void = { _ in }) throws {
    let (clock, flushes) = (Clock(), Counter())
    var options = SQLiteStoreOptions()
    options.now = clock.now
    store = try SQLiteStore(folder: folder, options: options)
    var settings = SessionSettings()
    configure(&settings)
    keys = SessionKeys(store: store, settings: settings, now: clock.now)
    let admins = TokenSet(hasAdmin ? [TokenHash(hashing: Self.admin)] : [])
    api = SessionAPI(
      keys: keys, rollouts: store, reader: store, isAdmin: SessionAPI.administrators(admins),
      budget: InFlightBudget(limit: 1 << 20, largestRequest: 1 << 20),
      flush: { flushes.value.add(1, ordering: .relaxed) }, sleep: { try? await Task.sleep(for: $0) })
    self.clock = clock
    self.flushes = flushes
  }

  /// Sends a request.
  ///
  /// - Parameter key: What the bearer token says.
  func ask(
    _ path: String, _ body: String = "{}", key: String? = SessionServer.admin, method: HTTPMethod = .post,
    headers: HTTPHeaders = [:], peer: SocketAddress = .loopback(port: 1)
  ) async -> SessionReply {
    var headers = headers
    if let key { headers.append("authorization", "bearer \(key)") }
    let request = HTTPRequest(
      method: method, path: path, headers: headers, peer: peer, body: RequestBody(Array(body.utf8)))
    guard let response = await api.respond(to: request) else { return SessionReply(status: 0, body: "", headers: [:]) }
    var bytes: [UInt8] = []
    switch response.body {
    case .none: break
    case .bytes(let whole): bytes = whole
    case .stream(let next): while let piece = try? await next() { bytes += piece }
    }
    return SessionReply(
      status: response.status, body: String(decoding: bytes, as: UTF8.self), headers: response.headers)
  }

  /// Starts a session.
  func start(_ task: String = "t", more: String = "") async -> (id: String, key: String) {
    let reply = await ask("/rl/start_session", "{\"task_id\":\"\(task)\"\(more)}")
    return (reply.text("session_id") ?? "", reply.text("api_key") ?? "")
  }

  /// Stores a call as the proxy would record it.
  func record(
    _ id: String, key: String, messages: String = "[]", output: String = "[]", isError: Bool = false
  ) async throws {
    try await record(
      [
        ("gen_ai.operation.name", .text("chat")), ("gen_ai.response.id", .text(id)),
        ("gen_ai.input.messages", .text(messages)), ("gen_ai.output.messages", .text(output)),
      ], key: key, isError: isError)
  }

  /// Stores a span of a session.
  func record(
    _ attributes: [(key: String, value: SpanDraft.Value)], key: String, name: String = "chat m", isError: Bool = false
  ) async throws {
    guard case .active(let session) = keys.find(key) else { throw Missing() }
    let number = spanIDs.add(1, ordering: .relaxed).newValue
    var draft = SpanDraft(traceID: TraceID(high: 7, low: number), spanID: SpanID(value: number), name: name)
    draft.statusCode = isError ? 2 : 0
    draft.startTime = UInt64(keys.now())
    draft.endTime = draft.startTime + 1
    draft.attributes =
      [
        ("agentlightning.rollout_id", .text(session.rolloutID)),
        ("agentlightning.attempt_id", .text(session.attemptID)),
      ] + attributes
    guard let batch = draft.batch else { throw Missing() }
    _ = try await store.append(batch)
  }

  /// The spans of the attempt of a session as their names and sequence numbers.
  func rows(ofSession id: String) async throws -> [SpanRow] {
    guard let session = store.sessionKeys.session(id: id) else { throw Missing() }
    var query = SpanQuery(.rollout(session.rolloutID, attempt: .id(session.attemptID)))
    query.sortKey = .sequence
    return try await store.read { [query] reader throws(StoreError) in try reader.select(query).rows }
  }

  func attempt(ofSession id: String) async throws -> Attempt? {
    guard let session = store.sessionKeys.session(id: id) else { throw Missing() }
    return try await store.read { reader throws(StoreError) in
      try reader.attempts(AttemptQuery(rolloutID: session.rolloutID)).items.first { $0.id == session.attemptID }
    }
  }

  struct Missing: Error {}
}

/// A server over a new folder for as long as `body` runs.
func withSessions<Result>(
  hasAdmin: Bool = true, _ configure: (inout SessionSettings) -> Void = { _ in },
  _ body: (SessionServer) async throws -> Result
) async throws -> Result {
  let url = FileManager.default.temporaryDirectory.appending(path: "fulgurite-sessions-\(UUID())")
  defer { try? FileManager.default.removeItem(at: url) }
  return try await withSessions(in: url.path, hasAdmin: hasAdmin, configure, body)
}

/// A server over a folder for as long as `body` runs.
func withSessions<Result>(
  in folder: String, hasAdmin: Bool = true, _ configure: (inout SessionSettings) -> Void = { _ in },
  _ body: (SessionServer) async throws -> Result
) async throws -> Result {
  let server = try SessionServer(folder: folder, hasAdmin: hasAdmin, configure)
  let result: Swift.Result<Result, any Error>
  do { result = .success(try await body(server)) } catch { result = .failure(error) }
  await withCheckedContinuation { continuation in
    Threads.Thread(name: "closer") {
      server.store.close()
      continuation.resume()
    }.detach()
  }
  return try result.get()
}
