import JSON
import Telemetry
import Testing
import Threads
import TraceStore
import Transport

@testable import LightningAPI

@Suite("Odd bodies")
struct OddBodyTests {
  @Test("numbers that only Python writes are strings")
  func nonFinite() async {
    let store = FakeStore()
    let body =
      #"{"rollouts":[{"input":{"x":NaN,"y":[-Infinity,"NaN Infinity \" NaN"]},"config":{"timeout_seconds":Infinity}}]}"#
    #expect(await ask(store, .post, "/v1/agl/queues/rollouts/enqueue", body).status == 201)
    let new = store.state.withLock { $0.enqueued[0] }
    #expect(new.input.text == #"{"x":"NaN","y":["-Infinity","NaN Infinity \" NaN"]}"#)
    #expect(new.config.timeoutSeconds == nil)
  }

  @Test("text that is not UTF-8 is repaired")
  func illFormed() async {
    let store = FakeStore()
    let bytes = Array("{\"rollouts\":[{\"input\":\"a".utf8) + [0xFF] + Array("b\"}]}".utf8)
    #expect(await ask(store, .post, "/v1/agl/queues/rollouts/enqueue", bytes: bytes).status == 201)
    #expect(store.state.withLock { $0.enqueued[0].input.text } == "\"a\u{FFFD}b\"")
  }

  @Test("values inside each other without end are refused", arguments: ["[", "{\"a\":", "[{\"a\":["])
  func deep(_ part: String) async {
    let answer = await ask(FakeStore(), .post, "/v1/agl/rollouts", String(repeating: part, count: 200_000))
    #expect(answer == Answer(400, #"{"detail":"There was an error parsing the body"}"#))
  }

  @Test("many faults are answered with few bytes")
  func manyFaults() async {
    let nulls = Array(repeating: "null", count: 100_000).joined(separator: ",")
    let body = "{\"rollouts\":[\(nulls)]}"
    let answer = await ask(FakeStore(), .post, "/v1/agl/queues/rollouts/enqueue", body)
    #expect(answer.status == 422 && answer.body.utf8.count < 1 << 20 && answer.json != nil)
  }

  @Test("no change of a byte makes an answer that is none")
  func mutations() async {
    var random = SystemRandomNumberGenerator()
    let seeds = SpanSendingTests.recordings.compactMap { $0["request"]?["body"]?.json }
    for seed in seeds {
      for _ in 0..<60 {
        var bytes = Array(seed.utf8)
        for _ in 0..<Int.random(in: 1...3, using: &random) {
          let index = Int.random(in: bytes.indices, using: &random)
          switch Int.random(in: 0..<3, using: &random) {
          case 0: bytes[index] = UInt8.random(in: .min ... .max, using: &random)
          case 1: bytes.remove(at: index)
          default: bytes.insert("{}[]\",:0e-NnIt\\".utf8.randomElement(using: &random)!, at: index)
          }
        }
        let text = String(decoding: bytes, as: UTF8.self)
        let answer = await ask(FakeStore(), .post, "/v1/agl/spans", bytes: bytes)
        #expect([201, 400, 422].contains(answer.status), "\(text)")
        #expect(answer.json != nil, "\(text) -> \(answer.body)")
      }
    }
  }
}
