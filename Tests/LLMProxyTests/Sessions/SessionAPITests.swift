import Foundation
import JSON
import SQLiteStore
import Synchronization
import Telemetry
import Testing
import Threads
import TraceStore
import Transport

@testable import LLMProxy

@Suite struct `Sessions over HTTP` {
  // MARK: Start

  @Test(arguments: ["", "/v1"])
  func `a start hands out a key for a rollout and an attempt`(prefix: String) async throws {
    try await withSessions { server in
      let reply = await server.ask(prefix + "/rl/start_session", #"{"task_id":"math","ignored":1}"#)
      #expect(reply.status == 200)
      #expect(reply.text("session_id") == "math-0")
      #expect(reply.headers.first("cache-control") == "no-store")
      #expect(reply.text("group_id")?.hasPrefix("grp-") == true)
      let key = try #require(reply.text("api_key"))
      #expect(key.hasPrefix("sk-sess-") && key.utf8.count == 51)
      guard case .array(let sessions)? = reply["sessions"] else { throw SessionServer.Missing() }
      #expect(sessions.map { $0["session_api_key"] } == [.string(key)])
      #expect(sessions.map { $0["session_id"] } == [.string("math-0")])
      guard case .active(let session) = server.keys.find(key) else { throw SessionServer.Missing() }
      #expect(session.session.id == "math-0")
      #expect(try await server.attempt(ofSession: "math-0")?.status == .preparing)
    }
  }

  @Test func `a start with a group size is answered as by the second version`() async throws {
    try await withSessions { server in
      let reply = await server.ask("/rl/start_session", #"{"task_id":"t","group_size":3}"#)
      #expect(reply.status == 201)
      guard case .array(let sessions)? = reply["sessions"] else { throw SessionServer.Missing() }
      #expect(sessions.map { $0["session_id"] } == [.string("t-0"), .string("t-1"), .string("t-2")])
      #expect(Set(sessions.map { $0["session_api_key"] }).count == 3)
      #expect(Set(server.store.sessionKeys.all.map(\.groupID)) == [reply.text("group_id") ?? ""])
    }
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    var path: String
    var body: String
    var key: String?
    var status: Int
    var testDescription: String { "\(path) \(body) \(key ?? "-") \(status)" }

    init(_ path: String, _ body: String = "{}", key: String? = SessionServer.admin, _ status: Int) {
      self.path = path
      self.body = body
      self.key = key
      self.status = status
    }
  }

  private static let unknownKey = "sk-sess-" + String(repeating: "x", count: 43)

  @Test(arguments: [
    Refusal("/rl/start_session", #"{"task_id":"t"}"#, key: nil, 401),
    Refusal("/rl/start_session", #"{"task_id":"t"}"#, key: "wrong", 403),
    Refusal("/rl/start_session", #"{"task_id":"t","api_key":"admin-key"}"#, 400),
    Refusal("/rl/start_session", #"{"task_id":"t","api_key":"k","group_size":2}"#, 400),
    Refusal("/rl/start_session", "{}", 422),
    Refusal("/rl/start_session", #"{"task_id":""}"#, 422),
    Refusal("/rl/start_session", #"{"task_id":7}"#, 422),
    Refusal("/rl/start_session", #"{"task_id":"t","group_size":0}"#, 422),
    Refusal("/rl/start_session", #"{"task_id":"t","models":[1]}"#, 422),
    Refusal("/rl/start_session", #"{"task_id":"t","expires_in":-1}"#, 422),
    Refusal("/rl/start_session", "[]", 422),
    Refusal("/rl/start_session", "{", 422),
    Refusal("/rl/set_reward", #"{"reward":1}"#, key: nil, 401),
    Refusal("/rl/set_reward", #"{"reward":1}"#, key: unknownKey, 401),
    Refusal("/rl/set_reward", #"{"reward":1}"#, key: "admin-key", 401),
    Refusal("/rl/end_session", key: nil, 401),
    Refusal("/rl/end_session", key: unknownKey, 401),
    Refusal("/rl/end_session", key: "sk-sess-short", 401),
    Refusal("/export_trajectories", #"{"session_id":"t-0"}"#, key: nil, 401),
    Refusal("/export_trajectories", #"{"session_id":"t-0"}"#, key: "wrong", 403),
    Refusal("/export_trajectories", #"{"session_id":"t-9"}"#, 404),
    Refusal("/export_trajectories", #"{"session_id":"t-0","style":"x"}"#, 400),
    Refusal("/export_trajectories", #"{"session_id":"t-0","discount":"x"}"#, 422),
    Refusal("/export_trajectories", "{}", 422),
    Refusal("/export_trajectories", #"{"session_id":"t-0"}"#, 408),
  ])
  func `a request that is not in order is refused with the status of AReaL`(refusal: Refusal) async throws {
    try await withSessions({ $0.exportWait = .milliseconds(20) }) { server in
      let (_, key) = await server.start()
      let reply = await server.ask(refusal.path, refusal.body, key: refusal.key)
      #expect(reply.status == refusal.status)
      #expect(reply.text("detail") != nil)
      #expect(!reply.body.contains(key) && !reply.body.contains(SessionServer.admin))
      #expect((reply.headers.first("www-authenticate") != nil) == (refusal.status == 401))
    }
  }

  @Test func `a key is also taken from the headers of providers`() async throws {
    try await withSessions { server in
      let (_, key) = await server.start()
      for name in ["x-api-key", "api-key", "x-goog-api-key"] {
        let reply = await server.ask("/rl/end_session", key: nil, headers: [name: key])
        #expect(reply.status == 200)
      }
    }
  }

  @Test func `paths and methods of others are left alone`() async throws {
    try await withSessions { server in
      #expect(await server.ask("/rl/other").status == 0)
      #expect(await server.ask("/v1/chat/completions").status == 0)
      let reply = await server.ask("/rl/start_session", method: .get)
      #expect(reply.status == 405)
      #expect(reply.headers.first("allow") == "POST")
      _ = await server.start()
      let health = await server.ask("/health", key: nil, method: .get)
      #expect(health.body == #"{"status":"ok","sessions":1}"#)
      #expect(await server.ask("/v1/health", key: nil, method: .get).status == 200)
    }
  }

  @Test func `without an administrator's key only this machine may start, and no page of another origin`() async throws
  {
    try await withSessions(hasAdmin: false) { server in
      let body = #"{"task_id":"t"}"#
      #expect(await server.ask("/rl/start_session", body, key: nil).status == 200)
      let far = SocketAddress(family: .ipv4, host: "192.0.2.1", port: 1)
      #expect(await server.ask("/rl/start_session", body, key: nil, peer: far).status == 403)
      let headers: HTTPHeaders = ["origin": "http://evil.test", "host": "localhost:4000"]
      #expect(await server.ask("/rl/start_session", body, key: nil, headers: headers).status == 403)
    }
  }

  @Test func `as many sessions are open as may be`() async throws {
    try await withSessions({ $0.mostOpen = 1 }) { server in
      let (_, key) = await server.start()
      let refused = await server.ask("/rl/start_session", #"{"task_id":"t"}"#)
      #expect(refused.status == 429)
      #expect(refused.headers.first("retry-after") != nil)
      // A refresh takes the place of what it ends.
      #expect(await server.ask("/rl/start_session", #"{"task_id":"t","api_key":"\#(key)"}"#).status == 200)
      #expect(await server.ask("/rl/end_session", key: key).status == 200)
      #expect(await server.ask("/rl/start_session", #"{"task_id":"t"}"#).status == 200)
    }
  }

  // MARK: Refresh

  @Test func `a refresh keeps the key and starts another attempt without the reward of the first`() async throws {
    try await withSessions { server in
      let (_, key) = await server.start()
      try await server.record("r1", key: key)
      #expect(await server.ask("/rl/set_reward", #"{"reward":1}"#, key: key).status == 200)
      let reply = await server.ask("/rl/start_session", #"{"task_id":"t","api_key":"\#(key)"}"#)
      #expect(reply.status == 200)
      #expect(reply.text("session_id") == "t-1")
      #expect(reply.text("api_key") == key)
      #expect(try await server.attempt(ofSession: "t-0")?.status == .succeeded)
      #expect(try await server.rows(ofSession: "t-1").isEmpty)
      #expect(await server.ask("/rl/set_reward", #"{"reward":1}"#, key: key).status == 400)
      // The first one waits to be exported, and the key goes on.
      let export = await server.ask("/export_trajectories", #"{"session_id":"t-0"}"#)
      #expect(export["interactions"]?["r1"]?["reward"] == .double(1))
      #expect(await server.ask("/rl/end_session", key: key).body.contains("\"interaction_count\":0"))
    }
  }

  @Test func `a key that has ended goes on too, and one that is not known is replaced`() async throws {
    try await withSessions { server in
      let (_, key) = await server.start()
      #expect(await server.ask("/rl/end_session", key: key).status == 200)
      let again = await server.ask("/rl/start_session", #"{"task_id":"t","api_key":"\#(key)"}"#)
      #expect(again.text("api_key") == key)
      for unknown in [Self.unknownKey, "mine"] {
        let reply = await server.ask("/rl/start_session", #"{"task_id":"t","api_key":"\#(unknown)"}"#)
        #expect(reply.status == 200)
        #expect(reply.text("api_key") != unknown)
        #expect(reply.text("api_key")?.hasPrefix("sk-sess-") == true)
      }
    }
  }

  @Test func `of refreshes at the same time one wins`() async throws {
    try await withSessions { server in
      let (_, key) = await server.start()
      let statuses = await withTaskGroup(of: Int.self) { group in
        for _ in 0..<8 {
          group.addTask { await server.ask("/rl/start_session", #"{"task_id":"t","api_key":"\#(key)"}"#).status }
        }
        return await group.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
      }
      #expect(Set(statuses.keys).isSubset(of: [200, 409, 429]))
      // Those that came when another had finished are refreshes of their own.
      let wins = try #require(statuses[200])
      #expect(server.store.sessionKeys.all.count == wins + 1)
      #expect(server.store.sessionKeys.openCount == 1)
      let hash = try #require(SessionKey.hash(key))
      server.api.refreshing.withLock { _ = $0.insert(hash) }
      let running = await server.ask("/rl/start_session", #"{"task_id":"t","api_key":"\#(key)"}"#)
      #expect(running.status == 429)
      #expect(running.headers.first("retry-after") != nil)
    }
  }

  // MARK: Reward

  @Test func `a reward is a span of its own behind the call that it is for`() async throws {
    try await withSessions { server in
      let (_, key) = await server.start()
      #expect(await server.ask("/rl/set_reward", #"{"reward":1}"#, key: key).status == 400)
      try await server.record("r1", key: key)
      try await server.record("r2", key: key)
      try await server.record("failed", key: key, isError: true)
      let flushes = server.flushes.value.load(ordering: .relaxed)
      let last = await server.ask("/rl/set_reward", #"{"reward":0.5,"interaction_id":null}"#, key: key)
      #expect(
        last.body
          == #"{"message":"success","interaction_count":2,"session_id":"t-0","trajectory_id":null,"trajectory_ready":false,"ready_transition":false}"#
      )
      #expect(server.flushes.value.load(ordering: .relaxed) == flushes + 1)
      #expect(await server.ask("/rl/set_reward", #"{"reward":2,"interaction_id":"r1"}"#, key: key).status == 200)
      for body in [#"{"reward":2,"interaction_id":"r9"}"#, #"{"reward":2,"interaction_id":"failed"}"#] {
        #expect(await server.ask("/rl/set_reward", body, key: key).status == 400)
      }
      for body in ["{}", #"{"reward":"1"}"#, #"{"reward":null}"#] {
        #expect(await server.ask("/rl/set_reward", body, key: key).status == 422)
      }
      let rows = try await server.rows(ofSession: "t-0")
      #expect(
        rows.map(\.name) == ["chat m", "chat m", "chat m", "agentlightning.annotation", "agentlightning.annotation"])
      #expect(rows.map(\.sequence) == [1, 2, 3, 4, 5])
      #expect(rows[3].traceID == rows[1].traceID)
      #expect(rows[4].traceID == rows[0].traceID)
      #expect(await server.ask("/rl/end_session", key: key).body == #"{"message":"success","interaction_count":2}"#)
      #expect(await server.ask("/rl/set_reward", #"{"reward":1}"#, key: key).status == 410)
    }
  }

  // MARK: End

  @Test func `an end comes once, and its answer as often as it is asked for`() async throws {
    try await withSessions { server in
      let (id, key) = await server.start()
      try await server.record("r1", key: key)
      for _ in 0..<3 {
        let reply = await server.ask("/rl/end_session", "", key: key)
        #expect(reply.status == 200)
        #expect(reply.body == #"{"message":"success","interaction_count":1}"#)
      }
      #expect(try await server.attempt(ofSession: id)?.status == .succeeded)
      guard case .ended = server.keys.find(key) else { throw SessionServer.Missing() }
    }
  }

  @Test func `an attempt that ends otherwise takes the key with it`() async throws {
    try await withSessions { server in
      let (id, key) = await server.start()
      let session = try #require(server.store.sessionKeys.session(id: id))
      var change = AttemptChange()
      change.status = .failed
      _ = try await server.store.update(attempt: .latest, of: session.rolloutID, change)
      #expect(await server.ask("/rl/end_session", key: key).status == 410)
      #expect(await server.ask("/rl/set_reward", #"{"reward":1}"#, key: key).status == 410)
      #expect(try await server.attempt(ofSession: id)?.status == .failed)
    }
  }

  // MARK: Time

  @Test func `a session that nobody uses for an hour is over`() async throws {
    try await withSessions { server in
      let (id, key) = await server.start()
      guard case .active(let session) = server.keys.find(key) else { throw SessionServer.Missing() }
      server.clock.advance(3_599)
      #expect(server.keys.noteRequest(of: session))
      server.clock.advance(3_599)
      guard case .active = server.keys.find(key) else { throw SessionServer.Missing() }
      server.clock.advance(1)
      guard case .expired = server.keys.find(key) else { throw SessionServer.Missing() }
      #expect(await server.ask("/rl/set_reward", #"{"reward":1}"#, key: key).status == 410)
      // The next start finds it.
      _ = await server.start("u")
      #expect(server.store.sessionKeys.session(id: id)?.ending == .idle)
      #expect(try await server.attempt(ofSession: id)?.status == .timeout)
      #expect(await server.ask("/rl/end_session", key: key).status == 410)
    }
  }

  @Test func `a key can be limited in time, models and requests`() async throws {
    try await withSessions { server in
      let more = #","expires_in":10,"idle_timeout":100,"models":["small"],"max_requests":2"#
      let (_, key) = await server.start(more: more)
      guard case .active(let session) = server.keys.find(key) else { throw SessionServer.Missing() }
      #expect(session.allows(model: "small"))
      #expect(!session.allows(model: "large"))
      #expect(server.keys.noteRequest(of: session))
      #expect(server.keys.noteRequest(of: session))
      #expect(!server.keys.noteRequest(of: session))
      server.clock.advance(9)
      server.keys.noteUse(of: session)
      server.clock.advance(1)
      guard case .expired = server.keys.find(key) else { throw SessionServer.Missing() }
    }
  }

  @Test func `an export of a session whose time is over does not wait for anybody to notice`() async throws {
    try await withSessions { server in
      let (id, key) = await server.start()
      try await server.record("r1", key: key)
      server.clock.advance(3_600)
      let reply = await server.ask("/export_trajectories", #"{"session_id":"\#(id)"}"#)
      #expect(reply.status == 200)
      #expect(reply["interactions"]?["r1"] != nil)
      #expect(await server.ask("/rl/end_session", key: key).status == 401)
    }
  }

  // MARK: Secrets

  @Test func `keys survive a restart, and the disk has their hashes alone`() async throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "fulgurite-sessions-\(UUID())")
    defer { try? FileManager.default.removeItem(at: url) }
    let key = try await withSessions(in: url.path) { server in
      let (_, key) = await server.start()
      try await server.record("r1", key: key)
      _ = await server.ask("/rl/set_reward", #"{"reward":1}"#, key: key)
      _ = await server.ask("/rl/start_session", #"{"task_id":"t","api_key":"\#(key)"}"#)
      #expect(!"\(server.store.sessionKeys.all)".contains(key))
      return key
    }
    for file in try FileManager.default.contentsOfDirectory(at: url, includingPropertiesForKeys: nil) {
      let bytes = try Data(contentsOf: file)
      #expect(bytes.range(of: Data(key.utf8)) == nil)
      #expect(bytes.range(of: Data(key.dropFirst(SessionKey.prefix.count).utf8)) == nil)
    }
    try await withSessions(in: url.path) { server in
      guard case .active(let session) = server.keys.find(key) else { throw SessionServer.Missing() }
      #expect(session.session.id == "t-1")
    }
  }

  @Test func `keys are random, and only a whole one is looked up`() {
    let keys = (0..<100).map { _ in SessionKey.mint() }
    #expect(Set(keys).count == 100)
    let allowed = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    #expect(keys.allSatisfy { $0.dropFirst(8).utf8.allSatisfy(allowed.contains) && $0.utf8.count == 51 })
    #expect(keys.allSatisfy { SessionKey.hash($0) != nil && SessionKey.hash(String($0.dropLast())) == nil })
    #expect(SessionKey.hash(keys[0])?.bytes.count == 32)
  }
}
