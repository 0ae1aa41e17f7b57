import Testing
import Threads

@testable import Transport

@Suite(.serialized, .timeLimit(.minutes(5))) struct HTTPServerTests {
  @Test func `a port that is taken is a clear error`() async throws {
    try await withServer { server, address in
      do throws(TransportError) {
        _ = try await server.listen(host: "127.0.0.1", port: address.port, handler: echo)
        Issue.record("two listeners share a port")
      } catch {
        #expect(error.code == .addressInUse)
        #expect(error.description == "listen on 127.0.0.1:\(address.port): Address already in use")
      }
    }
  }

  @Test func `an unknown host is a clear error`() async throws {
    try await withServer { server, _ in
      do throws(TransportError) {
        _ = try await server.listen(host: "no such host", port: 0, handler: echo)
        Issue.record("a host without an address was found")
      } catch {
        #expect(error.code == .unknownHost)
      }
    }
  }

  @Test func `connections over the limit are told so`() async throws {
    try await withServer({ $0.maximumConnections = 1 }) { server, address in
      let texts = try await onThread {
        let first = try TestClient(address)
        try first.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        _ = try first.readAnswer()
        let second = try TestClient(address)
        try second.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        let refusal = try second.readToEnd()
        try first.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        return [refusal, try first.readAnswer().head]
      }
      #expect(texts[0].hasPrefix("HTTP/1.1 503 ") && texts[0].contains("connection: close"))
      #expect(texts[1].hasPrefix("HTTP/1.1 200 "))
      #expect(server.statistics.refusedConnections == 1)
    }
  }

  @Test func `connections spread over the loops`() async throws {
    let names = Locked<Set<String>>([])
    let group = try EventLoopGroup(count: 2)
    let server = HTTPServer(group: group)
    let addresses = try await server.listen(host: "127.0.0.1", port: 0) { request in
      let name = group.loops.first { $0.isOnLoop }?.name ?? "none"
      names.withLock { _ = $0.insert(name) }
      return HTTPResponse(status: 200)
    }
    try await onThread {
      let clients = try (0..<4).map { _ in try TestClient(addresses[0]) }
      for client in clients {
        try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        _ = try client.readAnswer()
      }
    }
    await server.shutdown(deadline: .seconds(5))
    await group.shutdown()
    #expect(names.withLock { $0 } == ["loop-0", "loop-1"])
  }

  @Test func `shutting down finishes what is in flight`() async throws {
    let hasStarted = Signal()
    let release = Signal()
    let group = try EventLoopGroup(count: 1)
    let server = HTTPServer(group: group)
    let addresses = try await server.listen(host: "127.0.0.1", port: 0) { request in
      hasStarted.set()
      await release.wait()
      return await echo(request)
    }
    async let text = onThread {
      let client = try TestClient(addresses[0])
      try client.send("GET /last HTTP/1.1\r\nHost: h\r\n\r\n")
      return try client.readToEnd()
    }
    async let frames = onThread {
      let client = try TestClient(addresses[0])
      try client.send(HTTP2Frame.clientStart + HTTP2Frame.request(1).bytes)
      let frames = try client.readFrames { $0.type == 7 }
      release.set()
      return frames + (try client.readFrames { _ in false })
    }
    await hasStarted.wait()
    while server.statistics.http1Requests + server.statistics.http2Requests < 2 { await Task.yield() }
    await server.shutdown(deadline: .seconds(20))
    #expect(try await text.contains("connection: close"))
    #expect(try await text.hasSuffix("GET /last "))
    #expect(try await frames.contains(.data(1, Array("GET / ".utf8), end: true)))
    #expect(server.statistics.openConnections == 0)
    await group.shutdown()
  }

  @Test func `shutting down cancels handlers that wait, and sends what they answer`() async throws {
    let hasStarted = Signal()
    let group = try EventLoopGroup(count: 1)
    let server = HTTPServer(group: group)
    let addresses = try await server.listen(host: "127.0.0.1", port: 0) { request in
      let isCancelled = Signal()
      await withTaskCancellationHandler {
        if request.version == .http2 { hasStarted.set() }
        await isCancelled.wait()
      } onCancel: {
        isCancelled.set()
      }
      return await echo(request)
    }
    async let text = onThread {
      let client = try TestClient(addresses[0])
      try client.send("GET /last HTTP/1.1\r\nHost: h\r\n\r\n")
      return try client.readToEnd()
    }
    while server.statistics.http1Requests == 0 { await Task.yield() }
    async let frames = onThread {
      let client = try TestClient(addresses[0])
      try client.send(HTTP2Frame.clientStart + HTTP2Frame.request(1).bytes)
      return try client.readFrames { $0.type == 0 }
    }
    await hasStarted.wait()
    await server.shutdown(deadline: .seconds(20))
    #expect(try await text.hasSuffix("GET /last "))
    #expect(try await frames.contains(.data(1, Array("GET / ".utf8), end: true)))
    await group.shutdown()
  }

  @Test func `shutting down cuts what takes too long`() async throws {
    let hasStarted = Signal()
    let release = Signal()
    let group = try EventLoopGroup(count: 1)
    let server = HTTPServer(group: group)
    let addresses = try await server.listen(host: "127.0.0.1", port: 0) { _ in
      hasStarted.set()
      await release.wait()
      return HTTPResponse(status: 200)
    }
    async let text = onThread {
      let client = try TestClient(addresses[0])
      try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
      return (try? client.readToEnd()) ?? ""
    }
    await hasStarted.wait()
    await server.shutdown(deadline: .milliseconds(20))
    #expect(server.statistics.openConnections == 0)
    #expect(try await text == "")
    release.set()
    await group.shutdown()
  }

  @Test func `a handler whose client is gone is cancelled`() async throws {
    let isCancelled = Signal()
    try await withServer(handler: { _ in
      await withTaskCancellationHandler {
        await isCancelled.wait()
        return HTTPResponse(status: 200)
      } onCancel: {
        isCancelled.set()
      }
    }) { _, address in
      try await onThread {
        let client = try TestClient(address)
        try client.send(HTTP2Frame.clientStart + HTTP2Frame.request(1).bytes)
        _ = try client.readFrame()
      }
      await isCancelled.wait()
    }
  }
}
