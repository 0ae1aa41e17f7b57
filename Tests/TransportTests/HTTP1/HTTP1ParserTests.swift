import Testing

@testable import Transport

@Suite struct HTTP1ParserTests {
  @Test func `a request with a length is read`() throws {
    let requests = parse("POST /v1/traces?a=b HTTP/1.1\r\nHost: h\r\nX-Y:  z \r\nContent-Length: 3\r\n\r\nabc")
    let head = try #require(requests.heads.first)
    #expect(head.method == .post)
    #expect(head.path == "/v1/traces")
    #expect(head.query == "a=b")
    #expect(head.version == .http11)
    #expect(head.headers == ["host": "h", "x-y": "z", "content-length": "3"])
    #expect(head.framing == .length(3))
    #expect(head.isKeepAlive)
    #expect(requests.bodies == [Array("abc".utf8)])
    #expect(requests.trailers == [[:]])
    #expect(requests.failure == nil)
  }

  @Test func `chunks with extensions and trailers are read`() throws {
    let requests = parse(
      "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n"
        + "3;a;b=c\r\nabc\r\n0A;d=\"e\"\r\n0123456789\r\n0\r\nX-Sum: 7\r\n\r\n")
    #expect(requests.heads.first?.framing == .chunked)
    #expect(requests.bodies == [Array("abc0123456789".utf8)])
    #expect(requests.trailers == [["x-sum": "7"]])
    #expect(requests.failure == nil)
  }

  @Test func `pipelined requests are read one by one`() {
    let requests = parse(
      "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nPOST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"
        + "\r\nGET /3 HTTP/1.1\r\nHost: h\r\n\r\n")
    #expect(requests.heads.map(\.path) == ["/1", "/2", "/3"])
    #expect(requests.failure == nil)
  }

  @Test(arguments: [
    "POST /v1/traces?q HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nX-Long: some value\r\n\r\nhello"
      + "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n",
    "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
      + "4;x=y\r\nabcd\r\n1\r\ne\r\n0\r\nT: u\r\n\r\nHEAD /2 HTTP/1.0\r\n\r\n",
    "GET http://h/abs HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n",
  ])
  func `requests may be split anywhere`(text: String) {
    let bytes = Array(text.utf8)
    let whole = parse([bytes])
    #expect(whole.failure == nil && !whole.heads.isEmpty && whole.trailers.count == whole.heads.count)
    for offset in 1..<bytes.count {
      #expect(parse([Array(bytes[..<offset]), Array(bytes[offset...])]) == whole, "split at \(offset)")
    }
    #expect(parse(bytes.map { [$0] }) == whole)
  }

  @Test(arguments: ["FROB", "GETS", "POSTAGE", "P", "gEt"])
  func `an unknown method is not implemented, however it is split`(method: String) {
    let bytes = Array("\(method) / HTTP/1.1\r\nHost: h\r\n\r\n".utf8)
    for offset in 1..<bytes.count {
      #expect(parse([Array(bytes[..<offset]), Array(bytes[offset...])]).failure?.status == 501, "split at \(offset)")
    }
    #expect(parse(bytes.map { [$0] }).failure?.status == 501)
  }

  @Test func `an absolute target is reduced and replaces the host`() {
    let head = parse("GET http://a:8/p?q HTTP/1.1\r\nHost: b\r\n\r\n").heads.first
    #expect(head?.path == "/p")
    #expect(head?.query == "q")
    #expect(head?.headers.all("host") == ["a:8"])
  }

  @Test(arguments: [
    ("GET / HTTP/1.1\r\nHost: h\r\n\r\n", true),
    ("GET / HTTP/1.1\r\nHost: h\r\nConnection: Close\r\n\r\n", false),
    ("GET / HTTP/1.0\r\n\r\n", false),
    ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true),
  ])
  func `keep-alive follows version and connection field`(text: String, expected: Bool) {
    #expect(parse(text).heads.first?.isKeepAlive == expected)
  }

  @Test func `an upgrade is ignored`() {
    let requests = parse(
      "POST / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"
        + "Content-Length: 2\r\n\r\nhiGET /2 HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    #expect(requests.heads.map(\.path) == ["/", "/2"])
    #expect(requests.bodies.first == Array("hi".utf8))
    #expect(requests.failure == nil)
  }

  @Test(arguments: [
    ("two lengths", 400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na"),
    ("list of lengths", 400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 2\r\n\r\na"),
    ("positive sign", 400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\na"),
    ("negative length", 400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\na"),
    ("hexadecimal length", 400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x1\r\n\r\na"),
    ("empty length", 400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \r\n\r\na"),
    ("length over 64 bits", 400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\na"),
    ("length over 63 bits", 400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9223372036854775808\r\n\r\na"),
    ("space before the colon", 400, "GET / HTTP/1.1\r\nHost: h\r\nX : y\r\n\r\n"),
    ("folded line", 400, "GET / HTTP/1.1\r\nHost: h\r\nX: y\r\n z\r\n\r\n"),
    ("NUL in a value", 400, "GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n"),
    ("NUL in a name", 400, "GET / HTTP/1.1\r\nHost: h\r\nX\0: a\r\n\r\n"),
    ("bare CR in a value", 400, "GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n"),
    ("no name", 400, "GET / HTTP/1.1\r\nHost: h\r\n: a\r\n\r\n"),
    ("no host", 400, "GET / HTTP/1.1\r\n\r\n"),
    ("two hosts", 400, "GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n"),
    ("length and coding", 400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ("coding and length", 400, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"),
    ("coding in 1.0", 400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    (
      "two codings", 400,
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"
    ),
    ("unknown coding", 501, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: foo\r\n\r\n"),
    ("coding before chunked", 501, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
    ("chunk size without digits", 400, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
    ("chunk size with a sign", 400, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n"),
    (
      "chunk size over 64 bits", 400,
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\n"
    ),
    ("chunk longer than its size", 400, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n"),
    ("HTTP/2.0", 505, "GET / HTTP/2.0\r\nHost: h\r\n\r\n"),
    ("HTTP/0.9", 505, "GET / HTTP/0.9\r\nHost: h\r\n\r\n"),
    ("HTTP/1.2", 505, "GET / HTTP/1.2\r\nHost: h\r\n\r\n"),
    ("CONNECT", 501, "CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("space in the target", 400, "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("unknown method", 501, "FROB / HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("unknown method that begins like a known one", 501, "GETS / HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("method in lower case", 501, "get / HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("unknown method without a space behind it", 501, "GETS/ HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("known method without a space behind it", 400, "GET/ HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("unknown method after an empty line", 501, "\r\nFROB / HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("method that is no token", 400, "P@B / HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("TLS", 400, "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0"),
  ])
  func `ambiguous or malformed requests are refused`(name: String, status: Int, text: String) {
    #expect(parse(text).failure?.status == status, "\(name)")
    #expect(parse(text.utf8.map { [$0] }).failure?.status == status, "\(name), byte by byte")
  }

  @Test func `header sections are bounded in bytes and fields`() {
    let many = (0..<11).map { "x\($0): y\r\n" }.joined()
    #expect(parse("GET / HTTP/1.0\r\n\(many)\r\n", limits: .init(bytes: 1000, count: 10)).failure?.status == 431)
    #expect(parse("GET / HTTP/1.0\r\n\(many)\r\n", limits: .init(bytes: 1000, count: 11)).failure == nil)
    let long = String(repeating: "v", count: 100)
    #expect(parse("GET / HTTP/1.0\r\nx: \(long)\r\n\r\n", limits: .init(bytes: 101, count: 9)).failure?.status == 431)
    #expect(parse("GET / HTTP/1.0\r\nx: \(long)\r\n\r\n", limits: .init(bytes: 102, count: 9)).failure == nil)
    #expect(parse("GET /\(long) HTTP/1.0\r\n", limits: .init(bytes: 100, count: 9)).failure?.status == 431)
  }

  @Test func `a header section without an end is refused before it ends`() {
    let piece = Array("x: \(String(repeating: "v", count: 60))\r\n".utf8)
    let endless = [Array("GET / HTTP/1.1\r\n".utf8)] + Array(repeating: piece, count: 20)
    #expect(parse(endless, limits: .init(bytes: 1000, count: 100)).failure?.status == 431)
  }

  @Test func `trailers count against the limits`() {
    let text =
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
      + (0..<20).map { "x\($0): y\r\n" }.joined() + "\r\n"
    #expect(parse(text, limits: .init(bytes: 1000, count: 10)).failure?.status == 431)
  }

  @Test func `chunk extensions are bounded`() {
    let chunk = "1;\(String(repeating: "e", count: 5000))\r\nx\r\n"
    let text = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    #expect(parse(text + chunk + chunk).failure == nil)
    #expect(parse(text + chunk + chunk + chunk + chunk).failure?.status == 413)
  }

  @Test func `a failed parser stays failed`() {
    let parser = HTTP1Parser(limits: .init(bytes: 100, count: 10))
    let bad = Array("\0".utf8)
    let good = Array("GET / HTTP/1.0\r\n\r\n".utf8)
    #expect(parser.parse(bad.span).outcome == .failed(HTTP1Error(400, "malformed request")))
    #expect(parser.parse(good.span).outcome == .failed(HTTP1Error(400, "malformed request")))
  }
}
