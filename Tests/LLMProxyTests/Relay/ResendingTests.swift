import Testing
import Transport

@testable import LLMProxy

@Suite struct ResendingTests {
  private func delay(_ status: Int, _ headers: HTTPHeaders = [:], attempt: Int = 0) -> Duration? {
    Resending.delay(after: .success(ClientResponse(status: status, reason: "", headers: headers)), attempt: attempt)
  }

  @Test func triesAgainWhatMayPass() {
    for status in [408, 409, 429, 500, 502, 503, 529] { #expect(delay(status) != nil, "\(status)") }
    for status in [200, 400, 401, 404, 422] { #expect(delay(status) == nil, "\(status)") }
    for kind in [ClientError.Kind.connection, .truncated] {
      #expect(Resending.delay(after: .failure(ClientError(kind: kind, message: "")), attempt: 0) != nil)
    }
    for kind in [ClientError.Kind.timeout, .cancelled, .invalidResponse, .other] {
      #expect(Resending.delay(after: .failure(ClientError(kind: kind, message: "")), attempt: 0) == nil)
    }
  }

  @Test func waitsAsLongAsTheProviderAsks() {
    #expect(delay(429, ["retry-after": "2"]) == .seconds(2))
    #expect(delay(429, ["retry-after": "2", "retry-after-ms": "150"]) == .milliseconds(150))
    #expect(delay(429, ["retry-after": "3600"]) == nil)
    #expect(delay(503, ["x-should-retry": "false"]) == nil)
  }

  @Test func waitsLongerEachTime() throws {
    for attempt in 0..<12 {
      let wait = try #require(delay(500, attempt: attempt))
      #expect(wait <= .seconds(8))
      #expect(wait >= min(.milliseconds(500) * (1 << min(attempt, 10)), .seconds(8)) * 0.74)
    }
  }
}
