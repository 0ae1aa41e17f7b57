import Credentials
import Testing

private let secretHash = "sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"

@Suite("Token hashes")
struct TokenHashTests {
  @Test("a hash is read and written in one form")
  func text() throws {
    #expect(try TokenHash(secretHash).text == secretHash)
    #expect(TokenHash(hashing: "secret").text == secretHash)
  }

  @Test(
    "what is no hash is refused without being repeated",
    arguments: ["", "secret", "sha256:", "sha256:abc", "md5:" + secretHash.dropFirst(7), secretHash + "0"])
  func malformed(text: String) {
    let error = #expect(throws: TokenHashError.malformed) { try TokenHash(text) }
    #expect(error?.description == "expected sha256: and 64 hexadecimal digits (the value is not shown)")
  }

  @Test("hashes of one token are equal, of two not")
  func equality() throws {
    #expect(try TokenHash(secretHash) == TokenHash(hashing: "secret"))
    #expect(TokenHash(hashing: "secret") != TokenHash(hashing: "Secret"))
  }

  @Test("the hash of nothing is refused")
  func empty() {
    let error = #expect(throws: TokenHashError.empty) { try TokenHash(TokenHash(hashing: "").text) }
    #expect(error?.description == "this is the hash of an empty token")
  }
}

@Suite("Token sets")
struct TokenSetTests {
  private let tokens = TokenSet(["one", "secret", "three"].map { TokenHash(hashing: $0) })

  @Test("every token of the set is accepted", arguments: ["one", "secret", "three"])
  func accepted(token: String) {
    #expect(tokens.accepts(bearer: token))
    #expect(tokens.accepts(authorization: "Bearer \(token)"))
  }

  @Test("other tokens are not", arguments: ["", "on", "onee", "Secret", "secret ", "four", secretHash])
  func refused(token: String) {
    #expect(!tokens.accepts(bearer: token))
  }

  @Test("an empty set accepts nothing", arguments: ["", "secret"])
  func emptySet(token: String) {
    #expect(!TokenSet().accepts(bearer: token))
    #expect(TokenSet().isEmpty)
  }

  @Test("no header, no entry", arguments: [nil, "", "Bearer", "Bearer ", "Basic secret", "secret", "Bearersecret"])
  func noToken(header: String?) {
    #expect(!tokens.accepts(authorization: header))
  }

  @Test("sets are read from texts and united")
  func union() throws {
    var set = try TokenSet([secretHash])
    set.formUnion(TokenSet([TokenHash(hashing: "other")]))
    #expect(set.count == 2)
    #expect(set.accepts(bearer: "other") && set.accepts(bearer: "secret"))
    #expect(throws: TokenHashError.malformed) { try TokenSet([secretHash, "secret"]) }
  }

  @Test("nothing that prints shows a hash or a token")
  func opaque() throws {
    let values: [Any] = [
      tokens, try TokenHash(secretHash), try #require(BearerToken(authorization: "Bearer secret")),
      [tokens] as [TokenSet],
    ]
    for value in values {
      var dumped = ""
      dump(value, to: &dumped)
      let shown = dumped + "\(value)" + String(reflecting: value)
      #expect(!shown.contains("2bb80d53") && !shown.contains("secret") && !shown.contains("bytes"))
    }
    #expect("\(tokens)" == "3 tokens")
  }
}

@Suite("Token files")
struct TokenFileTests {
  @Test("comments, blank lines, indentation and CR LF are allowed")
  func lines() throws {
    let other = TokenHash(hashing: "other").text
    let tokens = try TokenSet(lines: "# team\r\n\r\n  \(secretHash)  # laptop\n\t\n\(other)")
    #expect(tokens.count == 2)
    #expect(tokens.accepts(bearer: "secret") && tokens.accepts(bearer: "other"))
  }

  @Test("the error names the line")
  func malformed() {
    let error = #expect(throws: TokenFileError.self) { try TokenSet(lines: "# team\r\n\(secretHash)\r\nhunter2\n") }
    #expect(error?.description == "line 3: expected sha256: and 64 hexadecimal digits (the value is not shown)")
  }

  @Test("a file without tokens is an empty set", arguments: ["", "# nothing\n", "\n\n"])
  func empty(text: String) throws {
    #expect(try TokenSet(lines: text).isEmpty)
  }
}

@Suite("Authorization headers")
struct BearerTokenTests {
  private let tokens = TokenSet([TokenHash(hashing: "abc.DEF-123_~+/==")])

  @Test(
    "the scheme has no case, spaces around the token do not count",
    arguments: ["Bearer abc.DEF-123_~+/==", "bearer abc.DEF-123_~+/==", "BEARER   abc.DEF-123_~+/=="])
  func accepted(header: String) throws {
    #expect(tokens.accepts(try #require(BearerToken(authorization: header))))
  }

  @Test(
    "other headers hold no token",
    arguments: ["", " ", "Bearer", "Bearer ", "Bearer a b", "Bearer a\tb", "Bearer é", "Bearer a\u{0}", "Basic YTpi"])
  func refused(header: String) {
    #expect(BearerToken(authorization: header) == nil)
  }
}
