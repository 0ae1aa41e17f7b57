import Testing

@testable import LLMProxy

@Suite struct ProxyPathTests {
  private static let table = UpstreamTable(
    [
      Upstream(
        name: "openai", baseURL: "https://api.openai.com/v1", family: .openai, provider: "openai",
        serverAddress: "api.openai.com", serverPort: 443),
      Upstream(
        name: "claude", baseURL: "https://api.anthropic.com", family: .anthropic, provider: "anthropic",
        serverAddress: "api.anthropic.com", serverPort: 443),
    ], default: nil)

  private struct Parts: Hashable {
    var key: String?
    var upstream: String?
    var rollout: String?
    var attempt: String?
    var version: String?
    var path: String
  }

  private func parts(_ text: String, allowsKey: Bool = true) throws -> Parts {
    let path = try ProxyPath(text, Self.table, allowsKey: allowsKey)
    return Parts(
      key: path.key, upstream: path.upstream, rollout: path.rollout, attempt: path.attempt, version: path.version,
      path: path.path)
  }

  @Test func readsWhatSelectsAndWhatBinds() throws {
    #expect(try parts("/v1/chat/completions") == Parts(version: "/v1", path: "/chat/completions"))
    #expect(try parts("/chat/completions") == Parts(path: "/chat/completions"))
    #expect(try parts("/openai/v1/models") == Parts(upstream: "openai", version: "/v1", path: "/models"))
    #expect(
      try parts("/rollout/ro-1/attempt/at-2/v1/messages")
        == Parts(rollout: "ro-1", attempt: "at-2", version: "/v1", path: "/messages"))
    #expect(
      try parts("/claude/rollout/r/attempt/a/v1/messages")
        == Parts(upstream: "claude", rollout: "r", attempt: "a", version: "/v1", path: "/messages"))
    #expect(
      try parts("/rollout/r/attempt/a/claude/messages")
        == Parts(upstream: "claude", rollout: "r", attempt: "a", path: "/messages"))
    #expect(try parts("/rollout/r/attempt/a") == Parts(rollout: "r", attempt: "a", path: "/"))
    #expect(try parts("/rollout/r/attempt/a/") == Parts(rollout: "r", attempt: "a", path: "/"))
    #expect(
      try parts("/v1beta/models/g:generateContent") == Parts(version: "/v1beta", path: "/models/g:generateContent"))
    #expect(try parts("/") == Parts(path: "/"))
  }

  @Test func readsKeysOnlyWhereTheyAreAllowed() throws {
    #expect(try parts("/s/KEY/v1/models") == Parts(key: "KEY", version: "/v1", path: "/models"))
    #expect(try parts("/s/KEY/v1/models", allowsKey: false) == Parts(path: "/s/KEY/v1/models"))
  }

  @Test func leavesAloneWhatOnlyLooksLikeABinding() throws {
    #expect(try parts("/rollout/r/v1/models").path == "/rollout/r/v1/models")
    #expect(try parts("/rollout/r/attempt").path == "/rollout/r/attempt")
    #expect(try parts("/openai/openai/v1/models").path == "/openai/v1/models")
  }

  @Test(arguments: [
    "/v1/../admin", "/v1/./models", "/v1//models", "//v1/models", "/v1/%2e%2e/x", "/v1/%2E./x", "/v1/a%2fb",
    "/v1/a%2Fb",
    "/v1/a%5cb", "/v1/a\\b", "/v1/%252e%252e/x", "/a%00b", "", "v1/models", "/v1/mo dels", "/v1/mod\u{e9}ls",
  ])
  func refusesWhatCouldMeanTwoThings(_ text: String) {
    #expect(throws: ProxyPath.Fault.ambiguous) { try ProxyPath(text, Self.table, allowsKey: false) }
  }

  @Test(arguments: [
    "/rollout/a%20b/attempt/x/v1/models", "/rollout/\(String(repeating: "a", count: 129))/attempt/x/v1/models",
    "/rollout/a/attempt/x;y/v1/models",
  ])
  func refusesIDsThatAreNone(_ text: String) {
    #expect(throws: ProxyPath.Fault.invalidID) { try ProxyPath(text, Self.table, allowsKey: false) }
  }

  @Test func buildsURLsAsTheSDKsDo() {
    func url(_ base: String, _ family: Upstream.Family, _ version: String?, _ path: String) -> String {
      Upstream(
        name: "x", baseURL: base, family: family, provider: "x", serverAddress: "x", serverPort: 1
      ).url(version: version, path: path, query: nil)
    }
    #expect(url("http://h:1/v1", .openai, "/v1", "/chat/completions") == "http://h:1/v1/chat/completions")
    #expect(url("http://h:1/v1", .openai, nil, "/chat/completions") == "http://h:1/v1/chat/completions")
    #expect(url("http://h:1", .openai, nil, "/chat/completions") == "http://h:1/v1/chat/completions")
    #expect(url("http://h:1", .openai, "/v1", "/chat/completions") == "http://h:1/v1/chat/completions")
    #expect(url("http://h:1/v1beta/openai", .openai, nil, "/models") == "http://h:1/v1beta/openai/models")
    #expect(url("https://api.anthropic.com", .anthropic, "/v1", "/messages") == "https://api.anthropic.com/v1/messages")
    #expect(url("https://h/anthropic", .anthropic, nil, "/messages") == "https://h/anthropic/v1/messages")
    #expect(url("https://g", .gemini, "/v1beta", "/models/m:x") == "https://g/v1beta/models/m:x")
    #expect(url("https://g", .gemini, nil, "/models/m:x") == "https://g/v1beta/models/m:x")
  }

  @Test func choosesTheUpstreamByAPIThenByDefault() {
    let upstreams = Self.table.upstreams
    #expect(Self.table.fallback(.openai)?.name == "openai")
    #expect(Self.table.fallback(.anthropic)?.name == "claude")
    #expect(Self.table.fallback(.gemini) == nil)
    #expect(UpstreamTable(upstreams, default: "claude").fallback(.gemini)?.name == "claude")
    #expect(UpstreamTable(upstreams, default: "claude").fallback(.openai)?.name == "openai")
    #expect(UpstreamTable([upstreams[0]], default: nil).fallback(.anthropic)?.name == "openai")
  }
}
