import Configuration
import Testing

@Suite("Addresses of upstreams")
struct UpstreamURLTests {
  @Test(
    "the parts of an address",
    arguments: [
      ("https://api.openai.com", true, "api.openai.com", 443, "", "api.openai.com"),
      ("https://api.openai.com/v1/", true, "api.openai.com", 443, "/v1", "api.openai.com"),
      ("HTTP://LocalHost:8000//", false, "localhost", 8000, "", "localhost:8000"),
      ("http://a:80", false, "a", 80, "", "a"),
      ("https://a:80/b/c", true, "a", 80, "/b/c", "a:80"),
      ("http://127.0.0.1:1/v1", false, "127.0.0.1", 1, "/v1", "127.0.0.1:1"),
      ("http://[::1]", false, "::1", 80, "", "[::1]"),
      ("https://[FE80::1]:8443/v1", true, "fe80::1", 8443, "/v1", "[fe80::1]:8443"),
    ] as [(String, Bool, String, UInt16, String, String)])
  func parts(text: String, isSecure: Bool, host: String, port: UInt16, path: String, authority: String) throws {
    let url = try #require(UpstreamURL(text))
    #expect(url.isSecure == isSecure && url.host == host && url.port == port && url.path == path)
    #expect(url.authority == authority)
    #expect(UpstreamURL(url.description) == url)
  }

  @Test(
    "what readers of addresses do not agree about is refused",
    arguments: [
      "", "api.openai.com", "//api.openai.com", "ftp://a", "https:/a", "https:a", "https://", "https:///v1",
      "https://:443", "https://u@a", "https://u:p@a", "https://a?key=1", "https://a/?key=1", "https://a/#b",
      "https://a#b",
      "https://a:", "https://a:0", "https://a:65536", "https://a:+1", "https://a:1:2", "https://a b", "https://a\\b",
      "https://a/../b", "https://a/./b", "https://a//b", "https://a/%2e%2e", "https://a/b c", "https://a/\n",
      "https://127.1", "https://1.2.3.400", "https://::1", "https://[::1", "https://::1]", "https://[a]",
      "https://[fe80::1%25eth0]", "https://[::1]a", "https://[::1]:", "https://é", "https://a\0", " https://a",
      "https://a ", "unix:///run/a",
    ])
  func refused(text: String) {
    #expect(UpstreamURL(text) == nil)
  }

  @Test("an address that is refused is not repeated, since it may hold a key")
  func hidden() throws {
    let found = try problems(["--set", "llm.upstreams.a.base_url=https://user:hunter2@a?key=hunter2"])
    #expect(found.count == 1 && found[0].hasPrefix("--set: llm.upstreams.a.base_url: expected http:// or https://"))
    #expect(!found[0].contains("hunter2") && found[0].hasSuffix("found something else (not shown)"))
  }
}
