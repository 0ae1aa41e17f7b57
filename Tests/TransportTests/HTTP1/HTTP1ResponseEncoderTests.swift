import Testing

@testable import Transport

@Suite struct HTTP1ResponseEncoderTests {
  private func head(
    _ response: HTTPResponse, method: HTTPMethod = .get, version: HTTPVersion = .http11, closes: Bool = false
  ) -> String {
    let framing = HTTP1ResponseEncoder.framing(of: response, method: method, version: version)
    let bytes = HTTP1ResponseEncoder.head(
      response, framing: framing, .init(method: method, version: version, closes: closes, date: Array("now".utf8)))
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test func `bytes have a length`() {
    let response = HTTPResponse(status: 200, headers: ["Content-Type": "a/b"], body: .bytes([1, 2, 3]))
    #expect(head(response) == "HTTP/1.1 200 OK\r\ncontent-type: a/b\r\ncontent-length: 3\r\ndate: now\r\n\r\n")
    #expect(
      head(response, method: .head) == "HTTP/1.1 200 OK\r\ncontent-type: a/b\r\ncontent-length: 3\r\ndate: now\r\n\r\n")
  }

  @Test func `no body has length zero except where none is allowed`() {
    #expect(head(HTTPResponse(status: 404)) == "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\ndate: now\r\n\r\n")
    #expect(head(HTTPResponse(status: 204)) == "HTTP/1.1 204 No Content\r\ndate: now\r\n\r\n")
    #expect(
      head(HTTPResponse(status: 304, headers: ["etag": "x"]))
        == "HTTP/1.1 304 Not Modified\r\netag: x\r\ndate: now\r\n\r\n")
  }

  @Test func `streams are chunked, or end with the connection for HTTP 1.0`() {
    let stream = HTTPResponse(status: 200, body: .stream { nil })
    #expect(head(stream) == "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ndate: now\r\n\r\n")
    #expect(HTTP1ResponseEncoder.framing(of: stream, method: .get, version: .http10) == .close)
    var sized = stream
    sized.headers.append("Content-Length", "7")
    #expect(HTTP1ResponseEncoder.framing(of: sized, method: .get, version: .http10) == .length(7))
    #expect(head(sized) == "HTTP/1.1 200 OK\r\ncontent-length: 7\r\ndate: now\r\n\r\n")
  }

  @Test func `the end of the connection is announced`() {
    #expect(head(HTTPResponse(status: 200), closes: true).contains("connection: close\r\n"))
    #expect(head(HTTPResponse(status: 200), version: .http10).contains("connection: keep-alive\r\n"))
  }

  @Test func `framing fields of a handler are dropped`() {
    let response = HTTPResponse(
      status: 200, headers: ["Connection": "x", "Transfer-Encoding": "y", "Content-Length": "9"], body: .bytes([1]))
    #expect(head(response) == "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ndate: now\r\n\r\n")
  }

  @Test func `a value cannot start a new line`() {
    let response = HTTPResponse(status: 200, headers: ["x": "a\r\nset-cookie: b\0", "date": "d"])
    #expect(head(response) == "HTTP/1.1 200 OK\r\nx: a  set-cookie: b \r\ndate: d\r\ncontent-length: 0\r\n\r\n")
  }

  @Test func `chunks carry their size and trailers follow the last`() {
    #expect(HTTP1ResponseEncoder.chunkHead(26) == Array("1a\r\n".utf8))
    #expect(HTTP1ResponseEncoder.lastChunk(trailers: ["A": "b"]) == Array("0\r\na: b\r\n\r\n".utf8))
  }
}
