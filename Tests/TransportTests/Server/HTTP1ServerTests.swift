import Glibc
import Testing
import Threads

@testable import Transport

@Suite(.serialized, .timeLimit(.minutes(5))) struct HTTP1ServerTests {
  @Test func `both loopback addresses serve, with keep-alive`() async throws {
    try await withServer { server, address in
      for host in [address, SocketAddress(family: .ipv6, host: "::1", port: address.port)] {
        let answers = try await onThread {
          let client = try TestClient(host)
          try client.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n")
          let first = try client.readAnswer()
          try client.send("POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc")
          return [first.body, try client.readAnswer().body]
        }
        #expect(answers == ["GET /1 ", "POST /2 abc"])
      }
      #expect(server.statistics.http1Requests == 4)
      #expect(server.statistics.acceptedConnections == 2)
    }
  }

  @Test func `pipelined requests are answered in order`() async throws {
    try await withServer(handler: { request in
      // The first answer takes the longest.
      if request.path == "/0" { await Task.yield() }
      return await echo(request)
    }) { _, address in
      let bodies = try await onThread {
        let client = try TestClient(address)
        let body = String(repeating: "x", count: 3000)
        let requests = (0..<100).map { "POST /\($0) HTTP/1.1\r\nHost: h\r\nContent-Length: 3000\r\n\r\n\(body)" }
        try client.send(requests.joined())
        return try (0..<100).map { _ in try client.readAnswer().body.count }
      }
      #expect(bodies == (0..<100).map { "POST /\($0) ".count + 3000 })
    }
  }

  @Test(arguments: [false, true])
  func `pipelined requests wait while the answers before them are not read`(endsInput: Bool) async throws {
    let begun = Locked(0)
    try await withServer(handler: { request in
      begun.withLock { $0 += 1 }
      return HTTPResponse(status: 200, body: .bytes([UInt8](repeating: 0x61, count: 100_000)))
    }) { _, address in
      let lengths = try await onThread {
        let client = try TestClient(address, receiveBuffer: 65536)
        try client.send(String(repeating: "GET / HTTP/1.1\r\nHost: h\r\n\r\n", count: 1_000))
        if endsInput { client.finishSending() }
        // Until nothing more begins.
        var last = -1
        while case let now = begun.withLock({ $0 }), now != last || now == 0 {
          last = now
          usleep(200_000)
        }
        // The kernel's buffers hold some megabytes; 100 MB would not fit anywhere but in the server's memory.
        #expect(last < 200)
        return try (0..<1_000).map { _ in try client.readAnswer().body.utf8.count }
      }
      #expect(lengths == Array(repeating: 100_000, count: 1_000))
    }
  }

  @Test func `requests before the end of the input are all answered`() async throws {
    try await withServer { _, address in
      let text = try await onThread {
        let client = try TestClient(address)
        try client.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\nGET /3 HT")
        client.finishSending()
        return try client.readToEnd()
      }
      #expect(text.contains("GET /1 ") && text.hasSuffix("GET /2 "))
    }
  }

  @Test func `the end of the input cancels a handler that waits, also one that begins after it`() async throws {
    let cancellations = Locked(0)
    try await withServer(handler: { request in
      let signal = Signal()
      await withTaskCancellationHandler {
        await signal.wait()
      } onCancel: {
        cancellations.withLock { $0 += 1 }
        signal.set()
      }
      return await echo(request)
    }) { _, address in
      let text = try await onThread {
        let client = try TestClient(address)
        try client.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n")
        client.finishSending()
        return try client.readToEnd()
      }
      #expect(text.contains("GET /1 ") && text.hasSuffix("GET /2 "))
      #expect(cancellations.withLock { $0 } == 2)
    }
  }

  @Test func `a large chunked body arrives whole`() async throws {
    try await withServer { _, address in
      let answer = try await onThread {
        let client = try TestClient(address)
        try client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        let chunk = "2710\r\n" + String(repeating: "y", count: 10_000) + "\r\n"
        for _ in 0..<100 { try client.send(chunk) }
        try client.send("0\r\n\r\n")
        return try client.readAnswer().body
      }
      #expect(answer == "POST / " + String(repeating: "y", count: 1_000_000))
    }
  }

  @Test func `HTTP 1_0 ends with the answer unless keep-alive is asked for`() async throws {
    try await withServer { _, address in
      let text = try await onThread {
        let client = try TestClient(address)
        try client.send("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        let first = try client.readAnswer()
        try client.send("GET /2 HTTP/1.0\r\n\r\n")
        return first.head + (try client.readToEnd())
      }
      #expect(text.contains("connection: keep-alive") && text.contains("connection: close"))
      #expect(text.hasSuffix("GET /2 "))
    }
  }

  @Test func `HEAD has the length but no body`() async throws {
    try await withServer { _, address in
      let text = try await onThread {
        let client = try TestClient(address)
        try client.send("HEAD /abc HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        return try client.readToEnd()
      }
      #expect(text.contains("content-length: 10\r\n") && text.hasSuffix("\r\n\r\n"))
    }
  }

  @Test func `100 Continue is sent when the handler asks for the body`() async throws {
    try await withServer { _, address in
      let texts = try await onThread {
        let client = try TestClient(address)
        try client.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        let first = try client.read(through: "\r\n\r\n")
        try client.send("hi")
        return [first, try client.readAnswer().body]
      }
      #expect(texts == ["HTTP/1.1 100 Continue\r\n\r\n", "POST / hi"])
    }
  }

  @Test func `100 Continue is not sent when the handler refuses`() async throws {
    try await withServer { _, address in
      let text = try await onThread {
        let client = try TestClient(address)
        try client.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2000000\r\n\r\n")
        return try client.readToEnd()
      }
      #expect(text.hasPrefix("HTTP/1.1 413 ") && text.contains("connection: close"))
    }
  }

  @Test func `a body over the limit is refused while it is still coming`() async throws {
    try await withServer { _, address in
      let text = try await onThread {
        let client = try TestClient(address)
        try client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 50000000\r\n\r\n")
        // The client sends on without looking at the answer; it must be able to read it afterwards.
        try client.send([UInt8](repeating: 0x61, count: 20_000_000))
        return try client.readAnswer().head
      }
      #expect(text.hasPrefix("HTTP/1.1 413 ") && text.contains("connection: close"))
    }
  }

  @Test func `a short unread body is drained and the connection goes on`() async throws {
    try await withServer(handler: { request in HTTPResponse(status: request.path == "/no" ? 404 : 200) }) {
      _, address in
      let heads = try await onThread {
        let client = try TestClient(address)
        try client.send("POST /no HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n")
        let first = try client.readAnswer().head
        try client.send([UInt8](repeating: 0x61, count: 100_000))
        try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        return [first, try client.readAnswer().head].map { String($0.prefix(12)) }
      }
      #expect(heads == ["HTTP/1.1 404", "HTTP/1.1 200"])
    }
  }

  @Test(arguments: [
    ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505),
    ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: foo\r\n\r\n", 501),
    ("GET / HTTP/1.1\r\nHost: h\r\nX: \(String(repeating: "v", count: 70_000))\r\n\r\n", 431),
    ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    ("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", 505),
  ])
  func `a malformed request is answered and ends the connection`(text: String, status: Int) async throws {
    try await withServer { server, address in
      let answer = try await onThread {
        let client = try TestClient(address)
        try client.send(text)
        return try client.readToEnd()
      }
      #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
      #expect(answer.contains("connection: close"))
      let statistics = server.statistics
      #expect(statistics.malformedRequests + statistics.oversizedHeaders == 1)
    }
  }

  @Test func `a stream is sent in chunks with trailers`() async throws {
    let pieces = Locked(["one", "", "three"])
    try await withServer(handler: { _ in
      HTTPResponse(
        status: 200,
        body: .stream { pieces.withLock { $0.isEmpty ? nil : Array($0.removeFirst().utf8) } }, trailers: ["x": "y"])
    }) { _, address in
      let text = try await onThread {
        let client = try TestClient(address)
        try client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        return try client.readToEnd()
      }
      #expect(text.hasSuffix("\r\n\r\n3\r\none\r\n5\r\nthree\r\n0\r\nx: y\r\n\r\n"))
    }
  }

  @Test func `a stream that fails is cut`() async throws {
    struct Failure: Error {}
    let isFirst = Locked(true)
    try await withServer(handler: { _ in
      HTTPResponse(
        status: 200,
        body: .stream {
          let first = isFirst.withLock { isFirst in
            defer { isFirst = false }
            return isFirst
          }
          guard first else { throw Failure() }
          return [0x61]
        })
    }) { _, address in
      let text = try await onThread {
        let client = try TestClient(address)
        try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        return try client.readToEnd()
      }
      #expect(text.hasSuffix("1\r\na\r\n"))
    }
  }

  @Test func `pieces are pulled only when the client takes them`() async throws {
    let pulled = Locked(0)
    try await withServer(handler: { _ in
      HTTPResponse(
        status: 200,
        body: .stream {
          pulled.withLock { pulled in
            pulled += 1
            return pulled <= 300 ? [UInt8](repeating: 0x61, count: 100_000) : nil
          }
        })
    }) { _, address in
      let count = try await onThread {
        let client = try TestClient(address, receiveBuffer: 65536)
        try client.send("GET / HTTP/1.0\r\n\r\n")
        _ = try client.read(through: "\r\n\r\n")
        // The kernel's buffers hold some megabytes; 30 MB would not fit anywhere but in the server's memory.
        #expect(pulled.withLock { $0 } < 200)
        return try client.countToEnd()
      }
      #expect(count == 30_000_000)
    }
  }

  @Test func `a body that nobody reads holds the client back`() async throws {
    let release = Signal()
    try await withServer(handler: { request in
      await release.wait()
      var total = 0
      do throws(BodyError) {
        while let piece = try await request.body.next() { total += piece.count }
      } catch {
        return HTTPResponse(status: error.status)
      }
      return HTTPResponse(status: 200, body: .bytes(Array("\(total)".utf8)))
    }) { _, address in
      let body = try await onThread {
        let client = try TestClient(address)
        let length = 64 << 20
        try client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \(length)\r\n\r\n")
        let sent = try client.sendUntilStalled(length)
        #expect(sent < length)
        release.set()
        try client.send([UInt8](repeating: 0x61, count: length - sent))
        return try client.readAnswer().body
      }
      #expect(body == "\(64 << 20)")
    }
  }
}
