import Glibc
import Testing

@testable import Transport

@Suite(.serialized, .timeLimit(.minutes(5))) struct DeadlineTests {
  @Test func `half a header section ends with 408`() async throws {
    try await withServer({ $0.headerTimeout = .milliseconds(50) }) { server, address in
      let text = try await onThread {
        let client = try TestClient(address)
        try client.send("GET / HTTP/1.1\r\nHost:")
        return try client.readToEnd()
      }
      #expect(text.hasPrefix("HTTP/1.1 408 "))
      #expect(server.statistics.timeouts == 1)
    }
  }

  @Test func `a silent connection is closed without an answer`() async throws {
    try await withServer({ $0.headerTimeout = .milliseconds(50) }) { _, address in
      let text = try await onThread { try TestClient(address).readToEnd() }
      #expect(text == "")
    }
  }

  @Test func `an idle connection is closed without a further answer`() async throws {
    try await withServer({ $0.idleTimeout = .milliseconds(50) }) { _, address in
      let text = try await onThread {
        let client = try TestClient(address)
        try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        _ = try client.readAnswer()
        return try client.readToEnd()
      }
      #expect(text == "")
    }
  }

  @Test func `an answer that is read slowly is not cut by the deadline for idle connections`() async throws {
    try await withServer(
      { $0.idleTimeout = .milliseconds(50) },
      handler: { _ in HTTPResponse(status: 200, body: .bytes([UInt8](repeating: 0x61, count: 32 << 20))) }
    ) { server, address in
      let count = try await onThread {
        let client = try TestClient(address, receiveBuffer: 65536)
        try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        _ = try client.read(through: "\r\n\r\n")
        usleep(300_000)
        // When all of it is read, the connection is idle.
        return try client.countToEnd()
      }
      #expect(count == 32 << 20)
      #expect(server.statistics.timeouts == 0)
    }
  }

  @Test func `a body that stops coming fails for the handler`() async throws {
    try await withServer({ $0.bodyTimeout = .milliseconds(50) }) { server, address in
      let text = try await onThread {
        let client = try TestClient(address)
        try client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc")
        return try client.readToEnd()
      }
      #expect(text.hasPrefix("HTTP/1.1 408 ") && text.contains("connection: close"))
      #expect(server.statistics.timeouts == 1)
    }
  }

  @Test func `a body that is not complete in time fails for the handler, whatever comes of it`() async throws {
    try await withServer({ $0.bodyDeadline = .milliseconds(50) }) { server, address in
      let text = try await onThread {
        let client = try TestClient(address)
        try client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n")
        // Never silent for as long as the other deadline asks.
        while try !client.hasInput() { try client.send("x") }
        return try client.readToEnd()
      }
      #expect(text.hasPrefix("HTTP/1.1 408 ") && text.contains("connection: close"))
      #expect(server.statistics.timeouts == 1)
    }
  }

  @Test func `a chunked body that never ends fails for the handler`() async throws {
    try await withServer({ $0.bodyDeadline = .milliseconds(50) }) { _, address in
      let text = try await onThread {
        let client = try TestClient(address)
        try client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        while try !client.hasInput() { try client.send("1\r\nx\r\n") }
        return try client.readToEnd()
      }
      #expect(text.hasPrefix("HTTP/1.1 408 "))
    }
  }

  @Test func `the deadline of a body begins anew with each request`() async throws {
    try await withServer({ $0.bodyDeadline = .milliseconds(300) }) { server, address in
      try await onThread {
        let client = try TestClient(address)
        let end = ContinuousClock.now + .milliseconds(900)
        while ContinuousClock.now < end {
          try client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\na")
          try client.send("b")
          #expect(try client.readAnswer().head.hasPrefix("HTTP/1.1 200 "))
        }
      }
      #expect(server.statistics.timeouts == 0)
    }
  }

  @Test func `a client that takes nothing is cut`() async throws {
    try await withServer(
      { $0.writeTimeout = .milliseconds(50) },
      handler: { _ in HTTPResponse(status: 200, body: .stream { [UInt8](repeating: 0x61, count: 1_000_000) }) }
    ) { server, address in
      let client = try await onThread {
        let client = try TestClient(address, receiveBuffer: 4096)
        try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        return UncheckedBox(client)
      }
      while server.statistics.timeouts == 0 { await Task.yield() }
      while server.statistics.openConnections > 0 { await Task.yield() }
      withExtendedLifetime(client) {}
    }
  }

  @Test func `a body that ends with its connection ends with a reset where its client does not read`() async throws {
    try await withServer(
      { $0.writeTimeout = .milliseconds(50) },
      handler: { _ in HTTPResponse(status: 200, body: .stream { [UInt8](repeating: 0x61, count: 1_000_000) }) }
    ) { server, address in
      let client = try await onThread {
        let client = try TestClient(address, receiveBuffer: 4096)
        try client.send("GET / HTTP/1.0\r\n\r\n")
        return UncheckedBox(client)
      }
      while server.statistics.openConnections > 0 || server.statistics.timeouts == 0 { await Task.yield() }
      let error = await #expect(throws: TestClient.ClientError.self) {
        try await onThread { try client.value.countToEnd() }
      }
      #expect(error?.errno == ECONNRESET)
    }
  }

  @Test func `a client that closes its side gets the rest of the last answer`() async throws {
    try await withServer(handler: { _ in
      HTTPResponse(status: 200, body: .bytes([UInt8](repeating: 0x61, count: 32 << 20)))
    }) { _, address in
      let count = try await onThread {
        let client = try TestClient(address, receiveBuffer: 65536)
        try client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        _ = try client.read(through: "\r\n\r\n")
        client.finishSending()
        usleep(100_000)
        return try client.countToEnd()
      }
      #expect(count == 32 << 20)
    }
  }

  @Test func `a silent HTTP 2 connection is told to go away`() async throws {
    try await withServer({ $0.idleTimeout = .milliseconds(50) }) { _, address in
      let frames = try await onThread {
        let client = try TestClient(address)
        try client.send(HTTP2Frame.clientStart)
        return try client.readFrames { _ in false }
      }
      #expect(frames.last?.type == 7)
    }
  }

  @Test func `an unfinished HTTP 2 header section ends the connection`() async throws {
    try await withServer({ $0.headerTimeout = .milliseconds(50) }) { server, address in
      let frames = try await onThread {
        let client = try TestClient(address)
        var head = HTTP2Frame.request(1)
        head.flags = 0
        try client.send(HTTP2Frame.clientStart + head.bytes)
        return try client.readFrames { _ in false }
      }
      #expect(frames.last?.type == 7)
      #expect(server.statistics.timeouts == 1)
    }
  }

  @Test func `an HTTP 2 body that stops coming fails for the handler`() async throws {
    try await withServer({ $0.bodyTimeout = .milliseconds(50) }) { _, address in
      let frames = try await onThread {
        let client = try TestClient(address)
        try client.send(HTTP2Frame.clientStart + HTTP2Frame.request(1, "POST", end: false).bytes)
        return try client.readFrames { $0.type == 3 }
      }
      let head = try #require(frames.first { $0.type == 1 })
      #expect(HeaderInflater().fields(of: head)[":status"] == "408")
      #expect(frames.last == .reset(1, code: 0))
    }
  }

  @Test func `an HTTP 2 body that is not complete in time fails for the handler, and the connection goes on`()
    async throws
  {
    try await withServer({ $0.bodyDeadline = .milliseconds(50) }) { server, address in
      let frames = try await onThread {
        let client = try TestClient(address)
        try client.send(HTTP2Frame.clientStart + HTTP2Frame.request(1, "POST", end: false).bytes)
        var frames: [HTTP2Frame] = []
        while !frames.contains(where: { $0.type == 3 }) {
          try client.send(HTTP2Frame(type: 0, flags: 0, stream: 1, payload: [0x78]).bytes)
          while try client.hasInput(), let frame = try client.readFrame() { frames.append(frame) }
        }
        try client.send(HTTP2Frame.request(3).bytes)
        return frames + (try client.readFrames { $0.type == 1 && $0.stream == 3 })
      }
      let head = try #require(frames.first { $0.type == 1 })
      let inflater = HeaderInflater()
      #expect(inflater.fields(of: head)[":status"] == "408")
      #expect(frames.contains(.reset(1, code: 0)))
      #expect(frames.last.map { inflater.fields(of: $0)[":status"] } == "200")
      #expect(server.statistics.timeouts == 1)
    }
  }

  @Test func `an HTTP 2 client that opens no window loses the stream`() async throws {
    try await withServer(
      { $0.writeTimeout = .milliseconds(50) },
      handler: { _ in HTTPResponse(status: 200, body: .bytes([UInt8](repeating: 0, count: 100_000))) }
    ) { _, address in
      let frames = try await onThread {
        let client = try TestClient(address)
        try client.send(HTTP2Frame.clientStart + HTTP2Frame.request(1).bytes)
        return try client.readFrames { $0.type == 3 }
      }
      #expect(frames.last == .reset(1, code: 8))
    }
  }

  @Test(arguments: [false, true])
  func `an HTTP 2 client that takes a byte now and then loses the stream where memory is scarce`(isScarce: Bool)
    async throws
  {
    try await withServer(
      {
        $0.writeTimeout = .seconds(1)
        $0.answerBytes = 1 << 20
      },
      handler: { request in
        var response = HTTPResponse(status: 200, body: .bytes([UInt8](repeating: 0, count: 1 << 20)))
        response.lease = await request.answers.lease()
        response.lease?.hold(isScarce ? 1 << 20 : 1 << 10)
        return response
      }
    ) { server, address in
      let isReset = try await onThread {
        let client = try TestClient(address)
        try client.send(HTTP2Frame.clientStart + HTTP2Frame.request(1).bytes)
        // Three times the deadline, in steps of a quarter of it.
        for _ in 0..<12 {
          try client.send(
            HTTP2Frame.windowUpdate(1, 1).bytes + HTTP2Frame.windowUpdate(0, 1).bytes + HTTP2Frame.ping.bytes)
          if try client.readFrames(until: { $0.type == 3 || $0.type == 6 }).last?.type == 3 { return true }
          usleep(250_000)
        }
        return false
      }
      #expect(isReset == isScarce)
    }
  }
}

/// Carries a value that one thread at a time uses.
struct UncheckedBox<Value>: @unchecked Sendable {
  let value: Value
  init(_ value: Value) { self.value = value }
}
