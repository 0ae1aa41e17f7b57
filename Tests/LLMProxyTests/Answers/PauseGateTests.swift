import Testing
import Transport

@testable import LLMProxy

@Suite struct PauseGateTests {
  private func body(_ response: HTTPResponse?) -> String {
    guard case .bytes(let bytes) = response?.body else { return "" }
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test func refusesWhileItIsClosed() {
    let gate = PauseGate()
    #expect(gate.refusal == nil)
    #expect(gate.start(Array("{\"retry_after_seconds\": 1.5, \"reason\": \"swap\"}".utf8)))
    #expect(gate.refusal?.status == 429)
    #expect(gate.refusal?.headers.first("retry-after") == "2")
    #expect(gate.refusal?.headers.first("x-agl-paused") == "true")
    #expect(body(gate.refusal) == "{\"error\":\"gateway paused\",\"reason\":\"swap\"}")
    #expect(
      body(gate.state(inFlight: 3)) == "{\"paused\":true,\"retry_after_seconds\":2,\"reason\":\"swap\",\"inflight\":3}")
    gate.end()
    #expect(gate.refusal == nil)
    #expect(
      body(gate.state(inFlight: 0))
        == "{\"paused\":false,\"retry_after_seconds\":null,\"reason\":null,\"inflight\":0}")
  }

  @Test(arguments: [
    "[]", "1", "{\"retry_after_seconds\":\"5\"}", "{\"retry_after_seconds\":-1}", "{\"reason\":1}", "{",
  ])
  func refusesBodiesThatSayNothing(_ text: String) {
    let gate = PauseGate()
    #expect(!gate.start(Array(text.utf8)))
    #expect(gate.refusal == nil)
  }

  @Test func needsNoBody() {
    let gate = PauseGate()
    #expect(gate.start([]))
    #expect(gate.refusal?.headers.first("retry-after") == "5")
  }

  @Test func countsCalls() {
    let admissions = Admissions(maximum: 3, maximumPerKey: 2)
    var held = [admissions.admit(key: "a"), admissions.admit(key: "a")]
    #expect(held.allSatisfy { $0 != nil })
    #expect(admissions.admit(key: "a") == nil)
    held.append(admissions.admit(key: nil))
    #expect(admissions.admit(key: "b") == nil)
    #expect(admissions.count == 3)
    held = []
    #expect(admissions.count == 0)
    #expect(admissions.admit(key: "a") != nil)
  }
}
