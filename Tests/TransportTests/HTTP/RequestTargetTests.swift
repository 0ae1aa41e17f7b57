import Testing

@testable import Transport

@Suite struct RequestTargetTests {
  @Test(
    arguments: [
      ("/", "/", nil, nil), ("/a/b%20c?x=1&y=?", "/a/b%20c", "x=1&y=?", nil), ("/a?", "/a", "", nil),
      ("*", "*", nil, nil),
      ("http://h:1/p?q", "/p", "q", "h:1"), ("HTTPS://h", "/", nil, "h"), ("http://h?q", "/", "q", "h"),
      ("/a#f?q", "/a", nil, nil), ("/a:b", "/a:b", nil, nil),
    ] as [(String, String, String?, String?)])
  func `targets are split`(target: String, path: String, query: String?, authority: String?) throws {
    let parts = try #require(RequestTarget(Array(target.utf8)))
    #expect(parts.path == path)
    #expect(parts.query == query)
    #expect(parts.authority == authority)
  }

  @Test(arguments: ["", "#", "a", "host:80", "http://", "http:///p", "ftp://h/p", "**"])
  func `other targets are refused`(target: String) {
    #expect(RequestTarget(Array(target.utf8)) == nil)
  }
}
