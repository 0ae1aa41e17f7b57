import JSON
import SQLiteStore
import Telemetry
import Testing
import TraceStore
import Transport

@testable import LLMProxy

@Suite struct `Export of trajectories` {
  /// A call in letters: capitals are the user's messages, small ones the model's.
  private static func call(_ id: String, _ messages: String, _ outputs: String, reward: Double? = nil) -> Interaction {
    func chat(_ text: String) -> [Int] { text.utf8.map(Int.init) }
    var interaction = Interaction(
      id: id, traceID: TraceID(high: 1, low: 1), spanID: SpanID(value: 1), parentID: nil, sequence: 1)
    interaction.messages = chat(messages)
    interaction.outputs = chat(outputs)
    interaction.reward = reward
    return interaction
  }

  private static func message(_ role: String, _ text: String) -> JSONValue {
    .object([JSONMember("role", .string(role)), JSONMember("content", .string(text))])
  }

  struct Vector: Sendable, CustomTestStringConvertible {
    var name: String
    var calls: [(id: String, messages: String, outputs: String, reward: Double?)]
    var style = Trajectory.Style.individual
    var discount = 1.0
    var dropsOrphans = false
    var expected: [(String, Double?)]
    var testDescription: String { name }
  }

  @Test(arguments: [
    Vector(
      name: "a reward counts less for each call before",
      calls: [("1", "A", "a", nil), ("2", "AaB", "b", nil), ("3", "AaBbC", "c", 1)], discount: 0.5,
      expected: [("1", 0.25), ("2", 0.5), ("3", 1)]),
    Vector(
      name: "rewards add up", calls: [("1", "A", "a", 1), ("2", "AaB", "b", nil), ("3", "AaBbC", "c", 2)],
      expected: [("1", 3), ("2", 2), ("3", 2)]),
    Vector(
      name: "without a last reward it is 0", calls: [("1", "A", "a", 1), ("2", "AaB", "b", nil)],
      expected: [("1", 1), ("2", 0)]),
    Vector(name: "nothing", calls: [], expected: []),
    Vector(
      name: "the last call of a conversation holds the others",
      calls: [("1", "A", "a", 1), ("2", "AaB", "b", nil), ("3", "AaBbC", "c", 2)], style: .concat,
      expected: [("3", 2)]),
    Vector(
      name: "branches are conversations",
      calls: [("1", "A", "a", nil), ("2", "AaB", "b", 1), ("3", "AaC", "c", nil), ("4", "X", "x", 4)], style: .concat,
      discount: 0.5, expected: [("2", 1), ("3", nil), ("4", 4)]),
    Vector(
      name: "another answer than was given is another conversation",
      calls: [("1", "A", "a", nil), ("2", "AzB", "b", 1)], style: .concat, expected: [("1", nil), ("2", 1)]),
    Vector(
      name: "of several choices the agent goes on with one",
      calls: [("1", "A", "ab", nil), ("2", "AbB", "c", 1)], style: .concat, expected: [("2", 1)]),
    Vector(
      name: "a call that was made again in vain",
      calls: [("1", "A", "a", nil), ("2", "A", "b", nil), ("3", "AbB", "c", 1)], dropsOrphans: true,
      expected: [("2", 1), ("3", 1)]),
    Vector(
      name: "the first one was waited for", calls: [("1", "A", "a", nil), ("2", "A", "b", 5), ("3", "AaB", "c", 1)],
      dropsOrphans: true, expected: [("1", 1), ("3", 1)]),
    Vector(
      name: "of a last call that was made again the last one counts",
      calls: [("1", "A", "a", nil), ("2", "AaB", "b", nil), ("3", "AaB", "c", 1)], style: .concat, dropsOrphans: true,
      expected: [("3", 1)]),
    Vector(
      name: "without the rule all count", calls: [("1", "A", "a", nil), ("2", "A", "b", 1)],
      expected: [("1", 1), ("2", 1)]),
  ])
  func `rewards and conversations`(vector: Vector) {
    let exported = Trajectory.export(
      vector.calls.map { Self.call($0.id, $0.messages, $0.outputs, reward: $0.reward) }, vector.style,
      discount: vector.discount, dropsOrphans: vector.dropsOrphans)
    #expect(exported.map(\.id) == vector.expected.map(\.0))
    #expect(exported.map(\.reward) == vector.expected.map(\.1))
  }

  @Test func `a session is exported as its spans tell it, and is gone then`() async throws {
    try await withSessions { server in
      let (id, key) = await server.start()
      let question = #"{"role":"user","parts":[{"type":"text","content":"6*7?"}]}"#
      let call =
        #"{"role":"assistant","parts":[{"type":"tool_call","id":"c1","name":"calc","arguments":{"x":"6*7"}}],"finish_reason":"tool_call"}"#
      let result = #"{"role":"tool","parts":[{"type":"tool_call_response","id":"c1","response":"42"}]}"#
      let answer = #"{"role":"assistant","parts":[{"type":"text","content":"42"}],"finish_reason":"stop"}"#
      try await server.record("r1", key: key, messages: "[\(question)]", output: "[\(call)]")
      try await server.record("bad", key: key, messages: "[\(question)]", isError: true)
      try await server.record("r2", key: key, messages: "[\(question),\(call),\(result)]", output: "[\(answer)]")
      _ = await server.ask("/rl/set_reward", #"{"reward":7}"#, key: key)
      _ = await server.ask("/rl/set_reward", #"{"reward":1}"#, key: key)
      _ = await server.ask("/rl/set_reward", #"{"reward":0.25,"interaction_id":"r1"}"#, key: key)
      _ = await server.ask("/rl/end_session", key: key)

      let reply = await server.ask("/v1/export_trajectories", #"{"session_id":"\#(id)","discount":0.5}"#)
      #expect(
        reply.body == #"{"interactions":{"#
          + #""r1":{"messages":[{"role":"user","content":"6*7?"}],"output_message_list":[{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"calc","arguments":"{\"x\":\"6*7\"}"}}]}],"reward":0.75,"interaction_id":"r1"},"#
          + #""r2":{"messages":[{"role":"user","content":"6*7?"},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"calc","arguments":"{\"x\":\"6*7\"}"}}]},{"role":"tool","tool_call_id":"c1","content":"42"}],"output_message_list":[{"role":"assistant","content":"42"}],"reward":1.0,"interaction_id":"r2"}}}"#
      )
      #expect(await server.ask("/export_trajectories", #"{"session_id":"\#(id)"}"#).status == 404)
      #expect(await server.ask("/rl/end_session", key: key).status == 401)
      #expect(server.keys.find(key).isUnknown)
    }
  }

  @Test func `an export waits for the end of its session`() async throws {
    try await withSessions { server in
      let (id, key) = await server.start()
      try await server.record("r1", key: key)
      async let reply = server.ask("/export_trajectories", #"{"session_id":"\#(id)","style":"concat"}"#)
      while server.store.sessionKeys.endings.waits == 0 { await Task.yield() }
      _ = await server.ask("/rl/end_session", key: key)
      #expect(await reply.status == 200)
      #expect(await reply["interactions"]?["r1"]?["reward"] == .double(0))
    }
  }

  @Test func `calls are known in the words of Agent Lightning, and what is no call is left out`() async throws {
    try await withSessions { server in
      let (id, key) = await server.start()
      try await server.record(
        [
          ("gen_ai.response.id", .text("r1")), ("gen_ai.prompt.0.role", .text("system")),
          ("gen_ai.prompt.0.content", .text("calculate")), ("gen_ai.prompt.1.role", .text("user")),
          ("gen_ai.prompt.1.content", .text("6*7?")), ("gen_ai.completion.0.role", .text("assistant")),
          ("gen_ai.completion.0.tool_calls.0.id", .text("c1")),
          ("gen_ai.completion.0.tool_calls.0.name", .text("calc")),
          ("gen_ai.completion.0.tool_calls.0.arguments", .text("{}")),
        ], key: key, name: "openai.chat.completion")
      try await server.record([("llm.hosted_vllm.id", .text("r1"))], key: key, name: "raw_gen_ai_request")
      try await server.record([("tool.name", .text("calc"))], key: key, name: "tool_call.calc")
      try await server.record(
        [("gen_ai.operation.name", .text("embeddings")), ("gen_ai.response.id", .text("e1"))], key: key)
      // The agent's own span of the same call.
      try await server.record("r1", key: key, output: "[{}]")
      // A reward as Agent Lightning emits it is for the call before.
      try await server.record(
        [("agentlightning.reward.0.value", .integer(3))], key: key, name: "agentlightning.annotation")
      try await server.record("r2", key: key)
      // Without an id of the provider a call has that of its span.
      try await server.record(
        [("gen_ai.operation.name", .text("chat")), ("gen_ai.output.messages", .text("[]"))], key: key)
      let rewarded = await server.ask("/rl/set_reward", #"{"reward":1}"#, key: key)
      #expect(rewarded.body.contains("\"interaction_count\":3"))
      _ = await server.ask("/rl/end_session", key: key)

      let reply = await server.ask("/export_trajectories", #"{"session_id":"\#(id)","discount":0}"#)
      guard case .object(let members)? = reply["interactions"] else { throw SessionServer.Missing() }
      #expect(members.map { $0.value["reward"] } == [.double(3), .double(0), .double(1)])
      #expect(members.map(\.key).prefix(2) == ["r1", "r2"])
      #expect(members.last?.key.utf8.count == 16)
      let first = try #require(members.first)
      #expect(
        first.value["messages"]
          == .array([Self.message("system", "calculate"), Self.message("user", "6*7?")]))
      guard case .array(let outputs)? = first.value["output_message_list"] else { throw SessionServer.Missing() }
      #expect(outputs.first?["content"] == .null)
      #expect(outputs.count == 1 && outputs[0]["tool_calls"] != nil)
    }
  }

  @Test func `an answer that was cut can be asked for again`() async throws {
    try await withSessions { server in
      let (id, key) = await server.start()
      let text = String(repeating: "x", count: 100_000)
      let messages = #"[{"role":"user","parts":[{"type":"text","content":"\#(text)"}]}]"#
      for number in 0..<7 { try await server.record("r\(number)", key: key, messages: messages) }
      _ = await server.ask("/rl/end_session", key: key)
      let body = Array(#"{"session_id":"\#(id)"}"#.utf8)
      let request = HTTPRequest(
        method: .post, path: "/export_trajectories", headers: ["authorization": "Bearer \(SessionServer.admin)"],
        body: RequestBody(body))
      guard case .stream(let next)? = await server.api.respond(to: request)?.body else { throw SessionServer.Missing() }
      let piece = try await next()
      #expect((1...600_000).contains(piece?.count ?? 0))
      #expect(server.store.sessionKeys.session(id: id) != nil)
      let reply = await server.ask("/export_trajectories", #"{"session_id":"\#(id)"}"#)
      guard case .object(let members)? = reply["interactions"] else { throw SessionServer.Missing() }
      #expect(members.map(\.key) == (0..<7).map { "r\($0)" })
      #expect(server.store.sessionKeys.session(id: id) == nil)
    }
  }

  @Test func `an episode without calls is exported empty`() async throws {
    try await withSessions { server in
      let (id, key) = await server.start()
      _ = await server.ask("/rl/end_session", key: key)
      let reply = await server.ask("/export_trajectories", #"{"session_id":"\#(id)"}"#)
      #expect(reply.body == #"{"interactions":{}}"#)
    }
  }
}

extension SessionKeyMatch {
  fileprivate var isUnknown: Bool { if case .unknown = self { true } else { false } }
}
