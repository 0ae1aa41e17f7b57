import Testing
import Threads
import Transport

@testable import QueryAPI

/// A request that is refused, and a part of what it is answered with.
struct BadRequest: CustomTestStringConvertible {
  var path: String
  var body: String
  var message: String

  init(_ path: String, _ body: String, _ message: String) {
    self.path = path
    self.body = body
    self.message = message
  }

  var testDescription: String { "\(path) \(body.prefix(80))" }
}

@Suite("Bad requests")
struct BadRequestTests {
  private static let trace = #""trace_id":"0af7651916cd43dd8448eb211c80319c""#
  private static let long = String(repeating: "é", count: 513)

  private static let bindings: [BadRequest] = [
    ("", "JSON object"), ("[]", "JSON object"), ("null", "JSON object"), ("{", "JSON object"), ("{} {}", "JSON object"),
    (#"{"a":[[[[[[[[[1]]]]]]]]]}"#, "JSON object"),
    ("{}", "trace_id is missing"), (#"{"trace_id":null,"rollout_id":"r"}"#, "trace_id is missing"),
    ("{\(trace)}", "rollout_id is missing"), (#"{\#(trace),"rollout_id":null}"#, "rollout_id is missing"),
    (#"{\#(trace),"rollout_id":""}"#, "rollout_id must be a text of 1 to 1024 bytes"),
    (#"{\#(trace),"rollout_id":7}"#, "rollout_id must be a text"),
    (#"{\#(trace),"rollout_id":["r"]}"#, "rollout_id must be a text"),
    (#"{\#(trace),"rollout_id":"\#(long)"}"#, "rollout_id must be a text"),
    (#"{\#(trace),"rollout_id":"r","attempt_id":""}"#, "attempt_id must be a text"),
    (#"{\#(trace),"rollout_id":"r","attempt_id":"\#(long)"}"#, "attempt_id must be a text"),
    (#"{\#(trace),"rollout_id":"r","span_id":"b7ad"}"#, "span_id: a span id is 16"),
    (#"{\#(trace),"rollout_id":"r","span_id":"0000000000000000"}"#, "span_id: a span id is 16"),
    (#"{\#(trace),"rollout_id":"r","span_id":1}"#, "span_id: a span id is 16"),
    (#"{\#(trace),"rollout_id":"r","spanid":"b7ad6b7169203331"}"#, "unknown member spanid, allowed are: trace_id"),
    (#"{\#(trace),"rollout_id":"r","to":1}"#, "unknown member to"),
    (#"{\#(trace),\#(trace),"rollout_id":"r"}"#, "trace_id is given twice"),
    (#"{\#(trace),"rollout_id":"r","rolloutId":"r"}"#, "rollout_id is given twice"),
    (#"{"trace_id":"0af7","rollout_id":"r"}"#, "trace_id: a trace id is 32"),
    (#"{"trace_id":"00000000000000000000000000000000","rollout_id":"r"}"#, "trace_id: a trace id is 32"),
    (#"{"trace_id":"0af7651916cd43dd8448eb211c80319g","rollout_id":"r"}"#, "trace_id: a trace id is 32"),
    (#"{"trace_id":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331","rollout_id":"r"}"#, "or a traceparent"),
    (#"{"trace_id":{},"rollout_id":"r"}"#, "trace_id: a trace id is 32"),
  ].map { BadRequest("bindings", $0.0, $0.1) }

  private static let sessions: [BadRequest] = [
    (#"{"rollout_id":"r","from":1}"#, "session is missing"), (#"{"session":"s","from":1}"#, "rollout_id is missing"),
    (#"{"session":"s","rollout_id":"r"}"#, "from is missing"),
    (#"{"session":"","rollout_id":"r","from":1}"#, "session must be a text"),
    (#"{"session":"\#(long)","rollout_id":"r","from":1}"#, "session must be a text"),
    (#"{"session":"s","rollout_id":"r","from":-1}"#, "from must be nanoseconds"),
    (#"{"session":"s","rollout_id":"r","from":1.5}"#, "from must be nanoseconds"),
    (#"{"session":"s","rollout_id":"r","from":9223372036854775808}"#, "from must be nanoseconds"),
    (#"{"session":"s","rollout_id":"r","from":true}"#, "from must be nanoseconds"),
    (#"{"session":"s","rollout_id":"r","from":"yesterday"}"#, "from must be nanoseconds"),
    (#"{"session":"s","rollout_id":"r","from":1,"to":"2023-02-29T00:00:00Z"}"#, "to must be nanoseconds"),
    (#"{"session":"s","rollout_id":"r","from":2,"to":2}"#, "to must be later than from"),
    (#"{"session":"s","rollout_id":"r","from":"2023-11-14T00:00:00Z","to":7}"#, "to must be later than from"),
    (#"{"session":"s","rollout_id":"r","from":1,"trace_id":"x"}"#, "unknown member trace_id"),
  ].map { BadRequest("sessions", $0.0, $0.1) }

  private static let claims: [BadRequest] = [
    (#"{"rollout_id":"r"}"#, "give one of: trace_ids, session, from and to"),
    (#"{"session":"s","from":1,"to":2,"rollout_id":"r"}"#, "give one of"),
    (#"{"trace_ids":[],"session":"s","rollout_id":"r"}"#, "give one of"),
    (#"{"trace_ids":[],"rollout_id":"r"}"#, "trace_ids is empty"),
    (#"{"trace_ids":"0af7651916cd43dd8448eb211c80319c","rollout_id":"r"}"#, "trace_ids must be a list"),
    (#"{"trace_ids":["0af7"],"rollout_id":"r"}"#, "trace_ids: a trace id is 32"),
    (#"{"trace_ids":[1],"rollout_id":"r"}"#, "trace_ids: a trace id is 32"),
    (#"{"from":1,"rollout_id":"r"}"#, "to is missing"), (#"{"to":1,"rollout_id":"r"}"#, "from is missing"),
    (#"{"from":3,"to":2,"rollout_id":"r"}"#, "to must be later than from"),
    (#"{"session":"s"}"#, "rollout_id is missing"), (#"{"session":"","rollout_id":"r"}"#, "session must be a text"),
  ].map { BadRequest("unassigned/claim", $0.0, $0.1) }

  @Test("name what is wrong", arguments: bindings + sessions + claims)
  func refused(request: BadRequest) async {
    let store = FakeStore()
    let answer = await ask(store, .post, "/api/v1/\(request.path)", request.body)
    #expect(answer.status == 400)
    #expect(answer.message?.contains(request.message) == true, "\(answer.message ?? "")")
    store.state.withLock { #expect($0.bound.isEmpty && $0.registered.isEmpty && $0.claims.isEmpty) }
  }

  @Test("in queries and paths name what is wrong")
  func queries() async {
    let table = [
      ("bindings", "trace=0af7", "trace: a trace id is 32"), ("bindings", "session=s", "unknown parameter session"),
      ("bindings", "limit=0", "limit must be"), ("bindings", "cursor=x", "cursor must be"),
      ("sessions", "trace=s", "unknown parameter trace"), ("sessions", "limit=10001", "limit must be"),
      ("unassigned", "from=2&to=1", "to must be later than from"), ("unassigned", "from=x", "from must be nanoseconds"),
      ("unassigned", "name=x", "unknown parameter name"), ("unassigned/spans", "from=1", "unknown parameter from"),
      ("spans/0af7/b7ad6b7169203331/attribution", "", "trace: a trace id is 32"),
      ("spans/0af7651916cd43dd8448eb211c80319c/b7/attribution", "", "span: a span id is 16"),
      ("spans/0af7651916cd43dd8448eb211c80319c/b7ad6b7169203331/attribution", "x=1", "unknown parameter x"),
      ("rollouts/r/diagnosis", "attempt=a", "unknown parameter attempt, allowed are: none"),
      ("retags", "since=7", "since must be the next"), ("retags", "wait=61", "wait must be at most 60 seconds"),
      ("retags", "wait=x", "wait must be"), ("retags", "cursor=1", "unknown parameter cursor"),
    ]
    for (path, query, message) in table {
      let answer = await ask(FakeStore(), .get, "/api/v1/\(path)", query: query)
      #expect(answer.status == 400 && answer.message?.contains(message) == true, "\(path)?\(query) \(answer.body)")
    }
  }

  @Test("with bodies that are not JSON in UTF-8, or too large, are refused")
  func bodies() async {
    let good = #"{\#(Self.trace),"rollout_id":"r"}"#
    let form = await ask(
      FakeStore(), .post, "/api/v1/bindings", good, headers: ["content-type": "application/x-www-form-urlencoded"])
    #expect(form.status == 415)
    let parameters = await ask(FakeStore(), .post, "/api/v1/bindings", query: "x=1", good)
    #expect(parameters.status == 400)
    let bytes = Array(good.utf8.dropLast(3)) + [0xFF] + Array(good.utf8.suffix(2))
    #expect(await ask(FakeStore(), .post, "/api/v1/bindings", bytes: bytes).status == 400)
    let large = good + String(repeating: " ", count: 1 << 20)
    #expect(await ask(FakeStore(), .post, "/api/v1/bindings", large).status == 413)
  }

  @Test("of long names do not get them all back")
  func longNames() async {
    let name = String(repeating: "n", count: 100_000)
    let member = await ask(FakeStore(), .post, "/api/v1/bindings", #"{"\#(name)":1}"#)
    #expect(member.status == 400 && member.body.utf8.count < 1_000)
    let id = await ask(FakeStore(), .delete, "/api/v1/bindings/\(name)")
    #expect(id.status == 404 && id.body.utf8.count < 1_000)
  }
}
