import JSON
import OTLP
import Protobuf
import Telemetry
import Testing
import Threads
import TraceStore
import Transport

@testable import LightningAPI

@Suite("Spans that come as JSON")
struct SpanSendingTests {
  static let recordings: [JSONValue] = ((try? recorded("exchanges.jsonl")) ?? []).filter(isStored)

  private static func isStored(_ exchange: JSONValue) -> Bool {
    guard exchange["request"]?["path"]?.text == "/v1/agl/spans", let answer = exchange["response"] else { return false }
    guard answer["status"] == .integer(201), let body = answer["body"] else { return false }
    return body != .null
  }

  @Test("are answered and read back as AGL's server does it")
  func answers() async throws {
    #expect(Self.recordings.count >= 10)
    for exchange in Self.recordings {
      guard let body = exchange["request"]?["body"], let expected = exchange["response"]?["body"] else { continue }
      let store = FakeStore()
      let answer = await ask(store, .post, "/v1/agl/spans", body.json)
      #expect(answer.status == 201)
      #expect(answer.json?.json == expected.json)
      let search = await ask(store, .post, "/v1/agl/spans/search", #"{"rollout_id":"r"}"#)
      guard case .array(let items)? = search.json?["items"] else {
        Issue.record("no items in \(search)")
        continue
      }
      #expect(items.map(\.json) == [expected.json])
    }
  }

  /// A span with some members replaced, in the order in which the model has them.
  private static func span(_ members: [String: String] = [:], extras: String = "") -> String {
    let usual: [(String, String)] = [
      ("rollout_id", "\"r\""), ("attempt_id", "\"a\""), ("sequence_id", "1"),
      ("trace_id", "\"0af7651916cd43dd8448eb211c80319c\""), ("span_id", "\"000000000000000a\""), ("parent_id", "null"),
      ("name", "\"n\""), ("status", #"{"status_code":"OK","description":null}"#), ("attributes", "{}"),
      ("events", "[]"), ("links", "[]"), ("start_time", "null"), ("end_time", "null"), ("context", "null"),
      ("parent", "null"), ("resource", #"{"attributes":{},"schema_url":""}"#),
    ]
    return "{" + usual.map { "\"\($0)\":\(members[$0] ?? $1)" }.joined(separator: ",") + extras + "}"
  }

  @Test(
    "values of attributes are converted as pydantic does it",
    arguments: [
      ("[1,2.5]", "[1.0,2.5]"), ("[1.0,2]", "[1.0,2.0]"), ("[true,1]", "[true,true]"), ("[1,true]", "[true,true]"),
      ("[\"1\",2]", "[1,2]"), ("[true,2]", "[1,2]"), ("[1.5,true]", "[1.5,1.0]"), ("[0,1,true]", "[false,true,true]"),
      ("[true,1.0]", "[true,true]"), ("[2,true]", "[2,1]"), ("[\"true\",true]", "[true,true]"),
      ("[\"1\",1]", "[true,true]"), ("[1.0,true]", "[true,true]"), ("[\"1.5\",2]", "[1.5,2.0]"), ("[]", "[]"),
      ("[\"1\",\"2\"]", "[\"1\",\"2\"]"), ("99999999999999999999", "99999999999999999999"),
      ("[1,99999999999999999999]", "[1,99999999999999999999]"), ("[1,99999999999999999999,1.5]", "[1.0,1e+20,1.5]"),
      ("1e999", "\"Infinity\""), ("NaN", "\"NaN\""), ("[1.5,NaN]", "[1.5,\"NaN\"]"), ("-0", "0"), ("1.50", "1.5"),
      ("\"\\u00e9\\n\"", "\"é\\n\""),
    ])
  func attributes(value: String, expected: String) async {
    let answer = await ask(FakeStore(), .post, "/v1/agl/spans", Self.span(["attributes": "{\"k\":\(value)}"]))
    #expect(answer.status == 201)
    #expect(answer.body.contains("\"attributes\":{\"k\":\(expected)}"), "\(answer.body)")
  }

  @Test("members that the models do not know are kept as they were sent, but those of the resource")
  func extras() async {
    let body = Self.span(
      [
        "status": #"{"more":[1, 2],"status_code":"OK"}"#,
        "events": #"[{"x":{"y":1e2},"name":"e","attributes":{}}]"#,
        "links":
          #"[{"context":{"trace_state":{},"is_remote":"yes","span_id":"s","trace_id":"t","flags":1},"dropped":0}]"#,
        "resource": #"{"schema_url":"u","other":1,"attributes":{"b":2,"a":1}}"#,
      ], extras: #","kind":"SpanKind.CLIENT","k":1,"z": {"deep": [null]},"k":2"#)
    let answer = await ask(FakeStore(), .post, "/v1/agl/spans", body)
    let parts = [
      #"{"rollout_id":"r","attempt_id":"a","sequence_id":1,"trace_id":"0af7651916cd43dd8448eb211c80319c""#,
      #","span_id":"000000000000000a","parent_id":null,"name":"n""#,
      #","status":{"status_code":"OK","description":null,"more":[1, 2]},"attributes":{}"#,
      #","events":[{"name":"e","attributes":{},"timestamp":null,"x":{"y":1e2}}]"#,
      #","links":[{"context":{"trace_id":"t","span_id":"s","is_remote":true,"trace_state":{},"flags":1}"#,
      #","attributes":null,"dropped":0}],"start_time":null,"end_time":null,"context":null,"parent":null"#,
      #","resource":{"attributes":{"b":2,"a":1},"schema_url":"u"}"#,
      #","kind":"SpanKind.CLIENT","k":2,"z":{"deep": [null]}}"#,
    ]
    #expect(answer.body == parts.joined())
  }

  @Test("are kept as OTLP")
  func message() async throws {
    let store = FakeStore()
    let body = Self.span(
      [
        "sequence_id": "7", "parent_id": "\"not hexadecimal\"", "start_time": "1700000000.123456",
        "end_time": "-1", "status": #"{"status_code":"ERROR","description":"bad"}"#,
        "attributes": #"{"agentlightning.rollout_id":"other","n":-3,"big":99999999999999999999,"l":[1,2.5]}"#,
        "events": #"[{"name":"e","attributes":{"x":true},"timestamp":2}]"#,
        "context": #"{"trace_id":"","span_id":"","is_remote":false,"trace_state":{"a":"b","c":"d"}}"#,
        "links":
          #"[{"context":{"trace_id":"t","span_id":"s","is_remote":false,"trace_state":{}},"attributes":{"l":"m"}}]"#,
        "resource": #"{"attributes":{"service.name":"svc"},"schema_url":"u"}"#,
      ], extras: #","kind":"SpanKind.CLIENT""#)
    _ = await ask(store, .post, "/v1/agl/spans", body)
    let span = try #require(store.state.withLock { $0.spans.first })
    #expect(span.sequence == 7 && span.rolloutID == "r" && span.attemptID == "a")
    #expect(span.parentID == "not hexadecimal" && span.spanID == "000000000000000a")
    let facts = span.batch.spans[0]
    #expect(facts.traceID.description == "0af7651916cd43dd8448eb211c80319c" && facts.spanID.value == 10)
    #expect(facts.parentID.value != 0 && facts.kind == 3 && facts.statusCode == 2 && facts.sequence == 7)
    #expect(facts.startTime == 1_700_000_000_123_456_001 && facts.endTime == 0)
    #expect(span.batch.tags[Int(facts.tag)].rolloutID == "r" && span.batch.tags[Int(facts.tag)].attemptID == "a")
    #expect(span.batch.contexts[0].service == "svc")
    let segment = span.batch.segments[0].bytes
    var untrusting = RequestScanner(allowsAnswers: false)
    #expect(try untrusting.step(segment.span) && !untrusting.isClean, "nobody else may send an answer")
    let (output, _) = try OTLPRepair.rewrite(request: segment.span)
    var scanner = RequestScanner(allowsAnswers: false)
    #expect(try scanner.step(output.span) && scanner.isClean)
    let repaired = scanner.batch.spans[0]
    let fields = try SpanFields(output.span, at: Int(repaired.offset)..<Int(repaired.offset + repaired.length))
    #expect(fields.answer.isEmpty)
    #expect(String(decoding: output[fields.traceState], as: UTF8.self) == "a=b,c=d")
  }

  @Test("an id that OTLP cannot hold is the same id each time, and never zero")
  func identifiers() {
    let uuid = "5c1e7d2e-7d0a-4c61-8b0c-0d1f2e3a4b5c"
    #expect(ForeignIdentifier.traceID(uuid) == ForeignIdentifier.traceID(uuid))
    #expect(ForeignIdentifier.traceID(uuid) != ForeignIdentifier.traceID(uuid.uppercased()))
    let zeros = String(repeating: "0", count: 32)
    #expect(ForeignIdentifier.traceID(zeros).isValid && ForeignIdentifier.traceID("").isValid)
    #expect(ForeignIdentifier.spanID("") != 0 && ForeignIdentifier.spanID("000000000000000a") == 10)
    #expect(ForeignIdentifier.spanID("000000000000000A") != 10)
    #expect(ForeignIdentifier.parentID(nil) == 0 && ForeignIdentifier.parentID("0000000000000000") == 0)
    #expect(ForeignIdentifier.parentID("x") == ForeignIdentifier.spanID("x"))
  }

  @Test(
    "times in nanoseconds give the same seconds back",
    arguments: [1_700_000_000.123456, 1795168314.5447366, 1.0, 0.25, 1e9 + 0.1, 17_999_999_999.5, 4_102_444_800.000001])
  func times(seconds: Double) {
    #expect(AGLTime.seconds(nanoseconds: Nanoseconds.value(seconds: seconds)) == seconds)
  }

  @Test("times that OTLP cannot hold are unknown", arguments: [0, -1, .nan, .infinity, 1e300, 1.9e10])
  func unknownTimes(seconds: Double) {
    #expect(Nanoseconds.value(seconds: seconds) == 0)
  }

  @Test("a span that the store has is answered with null")
  func duplicate() async {
    #expect(await ask(FakeStore { $0.addsSpan = false }, .post, "/v1/agl/spans", Self.span()) == Answer(201, "null"))
  }

  @Test("a span of an unknown rollout is answered with 404")
  func unknownRollout() async {
    let store = FakeStore { $0.fault = .notFound("Rollout r not found") }
    let answer = await ask(store, .post, "/v1/agl/spans", Self.span())
    #expect(answer == Answer(404, #"{"detail":"Rollout r not found"}"#))
  }

  @Test("spans that differ in what is answered are different spans")
  func canonical() async throws {
    let store = FakeStore()
    for extra in ["1", "2", "1"] { _ = await ask(store, .post, "/v1/agl/spans", Self.span(extras: ",\"x\":\(extra)")) }
    let canonical = try store.state.withLock { state in
      try state.spans.map { span in
        let facts = span.batch.spans[0]
        let range = Int(facts.offset)..<Int(facts.offset + facts.length)
        let bytes = Array(span.batch.segments[0].bytes[range])
        return try CanonicalSpan.span(bytes.span)
      }
    }
    #expect(canonical[0] != canonical[1] && canonical[0] == canonical[2])
  }
}
