import Testing
import Transport

@testable import LLMProxy

@Suite struct FieldsTests {
  private func upstream(_ family: Upstream.Family = .openai, key: String? = nil) -> Upstream {
    var upstream = Upstream(
      name: "x", baseURL: "http://h/v1", family: family, provider: "x", serverAddress: "h", serverPort: 80)
    upstream.key = key.map { UpstreamKey($0) }
    return upstream
  }

  private func sent(_ headers: HTTPHeaders, _ upstream: Upstream, passesCredentials: Bool = true) -> [String] {
    let request = HTTPRequest(method: .post, path: "/", headers: headers)
    return UpstreamFields.make(request, upstream, passesCredentials: passesCredentials).fields.map {
      "\($0.name): \($0.value)"
    }
  }

  @Test func passesWhatIsTheProvidersAndStripsWhatIsNot() {
    let headers: HTTPHeaders = [
      "host": "proxy", "content-length": "3", "content-type": "application/json", "accept": "*/*",
      "user-agent": "OpenAI/Python", "openai-organization": "o", "x-stainless-lang": "python", "anthropic-beta": "b",
      "connection": "keep-alive, X-Hop", "keep-alive": "5", "x-hop": "1", "te": "trailers", "upgrade": "h2c",
      "transfer-encoding": "chunked", "cookie": "c", "forwarded": "f", "x-forwarded-for": "1.2.3.4",
      "proxy-authorization": "p", "x-rollout-id": "r", "x-attempt-id": "a", "x-sequence-id": "1",
      "traceparent": "t", "tracestate": "s", "baggage": "b", "x-no-record": "1", "idempotency-key": "i",
    ]
    #expect(
      sent(headers, upstream()) == [
        "content-type: application/json", "accept: */*", "user-agent: OpenAI/Python", "openai-organization: o",
        "x-stainless-lang: python", "anthropic-beta: b", "idempotency-key: i",
      ])
  }

  @Test func putsTheProvidersKeyInPlaceOfTheClients() {
    let headers: HTTPHeaders = [
      "authorization": "Bearer client", "x-api-key": "client", "api-key": "client", "x-goog-api-key": "client",
    ]
    #expect(sent(headers, upstream(.openai, key: "K")) == ["authorization: Bearer K"])
    #expect(sent(headers, upstream(.anthropic, key: "K")) == ["x-api-key: K"])
    #expect(sent(headers, upstream(.gemini, key: "K")) == ["x-goog-api-key: K"])
  }

  @Test func passesTheClientsKeyOnlyWhenItIsTheProviders() {
    let headers: HTTPHeaders = ["authorization": "Bearer client"]
    #expect(sent(headers, upstream()) == ["authorization: Bearer client"])
    #expect(sent(headers, upstream(), passesCredentials: false).isEmpty)
  }

  @Test func asksOnlyForCodingsThatCanBeRead() {
    func coding(_ value: String) -> String { sent(["accept-encoding": value], upstream())[0] }
    #expect(coding("gzip, deflate, br, zstd") == "accept-encoding: gzip, deflate, br, zstd")
    #expect(coding("gzip;q=0.5, x-lzma") == "accept-encoding: gzip;q=0.5")
    #expect(coding("x-lzma") == "accept-encoding: identity")
    #expect(coding("*") == "accept-encoding: identity")
  }

  @Test func showsNoKey() {
    let key = UpstreamKey("sk-secret")
    #expect(!"\(key)".contains("secret"))
    #expect(!"\(upstream(key: "sk-secret"))".contains("sk-secret"))
    var text = ""
    dump(upstream(key: "sk-secret"), to: &text)
    #expect(!text.contains("sk-secret"))
  }

  @Test func keepsTheProvidersFieldsForTheClient() {
    let answer = ClientResponse(
      status: 429, reason: "",
      headers: [
        "retry-after": "3", "x-request-id": "r", "x-ratelimit-remaining": "1", "set-cookie": "c", "alt-svc": "h3",
        "strict-transport-security": "s", "connection": "close", "transfer-encoding": "chunked", "date": "d",
        "content-encoding": "gzip",
      ])
    #expect(
      AnswerFields.make(answer, requestID: "id").fields.map(\.name) == [
        "retry-after", "x-request-id", "x-ratelimit-remaining", "date", "content-encoding", "x-proxy-request-id",
      ])
  }
}
