import Testing
import Transport

@testable import LLMProxy

@Suite struct ResendingTests {
  // Sun, 06 Nov 1994 08:49:37 GMT
  private let now = 784_111_777

  private func delay(_ status: Int, _ headers: HTTPHeaders = [:], attempt: Int = 0) -> Duration? {
    Resending.delay(
      after: .success(ClientResponse(status: status, reason: "", headers: headers)), attempt: attempt, now: now)
  }

  private func delay(_ kind: ClientError.Kind) -> Duration? {
    Resending.delay(after: .failure(ClientError(kind: kind, message: "")), attempt: 0, now: now)
  }

  @Test func triesAgainWhatMayPass() {
    for status in [408, 409, 429, 500, 502, 503, 529] { #expect(delay(status) != nil, "\(status)") }
    for status in [200, 400, 401, 404, 422] { #expect(delay(status) == nil, "\(status)") }
    #expect(delay(.connection) != nil)
    for kind in [ClientError.Kind.truncated, .timeout, .cancelled, .invalidResponse, .other] {
      #expect(delay(kind) == nil, "\(kind)")
    }
  }

  @Test func waitsAsLongAsTheProviderAsks() {
    #expect(delay(429, ["retry-after": "2"]) == .seconds(2))
    #expect(delay(429, ["retry-after": "2", "retry-after-ms": "150"]) == .milliseconds(150))
    #expect(delay(429, ["retry-after": "3600"]) == nil)
    #expect(delay(429, ["retry-after": "Sun, 06 Nov 1994 08:49:50 GMT"]) == .seconds(13))
    #expect(delay(429, ["retry-after": "Sun, 06 Nov 1994 09:49:30 GMT"]) == nil)
    for odd in ["soon", "Sun, 06 Nov 1994 08:49 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", ""] {
      let wait = delay(429, ["retry-after": odd])
      #expect(wait.map { $0 <= .milliseconds(500) } == true, "\(odd)")
    }
    #expect(delay(503, ["x-should-retry": "false"]) == nil)
  }

  @Test(arguments: [
    "0", "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:30 GMT", "Thu, 01 Jan 1970 00:00:00 GMT",
    "Wed, 31 Dec 1969 23:59:59 GMT",
  ])
  func asksNotAtOnceWhereTheTimeHasPassed(asked: String) throws {
    let wait = try #require(delay(429, ["retry-after": asked]))
    #expect(wait >= .milliseconds(370))
    #expect(wait <= .milliseconds(500))
  }

  @Test func waitsLongerEachTime() throws {
    for attempt in 0..<12 {
      let wait = try #require(delay(500, attempt: attempt))
      #expect(wait <= .seconds(8))
      #expect(wait >= min(.milliseconds(500) * (1 << min(attempt, 10)), .seconds(8)) * 0.74)
    }
  }
}
