import Testing
import Threads

@testable import Transport

@Suite(.serialized, .timeLimit(.minutes(5))) struct HTTP2ServerTests {
  @Test func `requests side by side are answered`() async throws {
    try await withServer { server, address in
      let bodies = try await onThread {
        let client = try TestClient(address)
        var bytes = HTTP2Frame.clientStart
        let streams = stride(from: Int32(1), to: 100, by: 2)
        for stream in streams { bytes += HTTP2Frame.request(stream, "POST", path: "/\(stream)", end: false).bytes }
        for stream in streams { bytes += HTTP2Frame.data(stream, Array("b\(stream)".utf8), end: true).bytes }
        try client.send(bytes)
        var bodies: [Int32: String] = [:]
        while bodies.count < 50, let frame = try client.readFrame() {
          if frame.type == 0 { bodies[frame.stream] = String(decoding: frame.payload, as: UTF8.self) }
        }
        return bodies
      }
      for stream in stride(from: Int32(1), to: 100, by: 2) { #expect(bodies[stream] == "POST /\(stream) b\(stream)") }
      #expect(server.statistics.http2Requests == 50)
    }
  }

  @Test(arguments: 1...30)
  func `the preface may come in pieces`(split: Int) async throws {
    try await withServer { _, address in
      let status = try await onThread {
        let client = try TestClient(address)
        let bytes = HTTP2Frame.clientStart + HTTP2Frame.request(1).bytes
        try client.send(Array(bytes[..<split]))
        if split > 24 { _ = try client.readFrame() }
        try client.send(Array(bytes[split...]))
        return try client.readFrames { $0.type == 0 }.last?.payload
      }
      #expect(status == Array("GET / ".utf8))
    }
  }

  @Test func `trailers follow the body`() async throws {
    try await withServer(handler: { _ in
      HTTPResponse(status: 200, body: .bytes([0, 0, 0, 0, 0]), trailers: ["grpc-status": "0"])
    }) { _, address in
      let frames = try await onThread {
        let client = try TestClient(address)
        try client.send(HTTP2Frame.clientStart + HTTP2Frame.request(1, "POST").bytes)
        return try client.readFrames { $0.type == 1 && $0.flags & HTTP2Frame.endStream != 0 }
      }
      let inflater = HeaderInflater()
      let sections = frames.filter { $0.type == 1 }.map { inflater.fields(of: $0) }
      #expect(sections.first?[":status"] == "200")
      #expect(sections.last == ["grpc-status": "0"])
    }
  }

  @Test func `an early answer is followed by a reset without error`() async throws {
    try await withServer(handler: { _ in HTTPResponse(status: 200, headers: ["grpc-status": "8"]) }) { _, address in
      let frames = try await onThread {
        let client = try TestClient(address)
        try client.send(HTTP2Frame.clientStart + HTTP2Frame.request(1, "POST", end: false).bytes)
        return try client.readFrames { $0.type == 3 }
      }
      #expect(frames.last == .reset(1, code: 0))
      #expect(frames.contains { $0.type == 1 && $0.flags & HTTP2Frame.endStream != 0 })
    }
  }

  @Test func `a client that sends a lot before it reads is served`() async throws {
    try await withServer(handler: { request in
      do throws(BodyError) {
        return HTTPResponse(status: 200, body: .bytes(try await request.body.collect(upTo: 1 << 22)))
      } catch {
        return HTTPResponse(status: error.status)
      }
    }) { _, address in
      let total = try await onThread {
        let client = try TestClient(address)
        try client.send(HTTP2Frame.clientStart + HTTP2Frame.request(1, "POST", end: false).bytes)
        // As much as the stream's first window allows.
        for index in 0..<64 {
          try client.send(HTTP2Frame.data(1, [UInt8](repeating: 0, count: 16_384), end: index == 63).bytes)
        }
        var total = 0
        while total < 1 << 20, let frame = try client.readFrame() {
          guard frame.type == 0 else { continue }
          total += frame.payload.count
          try client.send(HTTP2Frame.windowUpdate(0, 16_384).bytes + HTTP2Frame.windowUpdate(1, 16_384).bytes)
        }
        return total
      }
      #expect(total == 1 << 20)
    }
  }

  @Test func `windows stay shut while nobody reads the body`() async throws {
    let release = Signal()
    try await withServer(handler: { request in
      await release.wait()
      return await echo(request)
    }) { _, address in
      let increments = try await onThread {
        let client = try TestClient(address)
        try client.send(HTTP2Frame.clientStart + HTTP2Frame.request(1, "POST", end: false).bytes)
        for _ in 0..<63 { try client.send(HTTP2Frame.data(1, [UInt8](repeating: 0, count: 16_384)).bytes) }
        try client.send(HTTP2Frame.ping.bytes)
        let early = try client.readFrames { $0.type == 6 }
        release.set()
        let late = try client.readFrames { $0.type == 8 && $0.stream == 1 }
        return [early, late].map { frames in frames.count { $0.type == 8 && $0.stream == 1 } }
      }
      #expect(increments == [0, 1])
    }
  }

  @Test func `a reset ends the handler's body`() async throws {
    let outcome = Locked<BodyError?>(nil)
    let isOver = Signal()
    try await withServer(handler: { request in
      do throws(BodyError) {
        _ = try await request.body.collect(upTo: 100)
      } catch {
        outcome.withLock { $0 = error }
      }
      isOver.set()
      return HTTPResponse(status: 200)
    }) { _, address in
      let client = try await onThread {
        let client = try TestClient(address)
        let start = HTTP2Frame.clientStart + HTTP2Frame.request(1, "POST", end: false).bytes
        try client.send(start + HTTP2Frame.reset(1).bytes)
        return UncheckedBox(client)
      }
      await isOver.wait()
      #expect(outcome.withLock { $0 } == .disconnected)
      withExtendedLifetime(client) {}
    }
  }

  @Test func `rapid resets end the connection`() async throws {
    try await withServer({ $0.maximumResets = 20 }) { server, address in
      let last = try await onThread {
        let client = try TestClient(address)
        var bytes = HTTP2Frame.clientStart
        for index in 0..<30 {
          let stream = Int32(2 * index + 1)
          bytes += HTTP2Frame.request(stream, "POST", end: false).bytes + HTTP2Frame.reset(stream).bytes
        }
        try client.send(bytes)
        return try client.readFrames { _ in false }.last
      }
      #expect(last?.type == 7)
      #expect(last?.payload[4...] == [0, 0, 0, 11])
      #expect(server.statistics.floods == 1)
    }
  }

  @Test func `oversized fields are answered with 431 and the connection goes on`() async throws {
    try await withServer({ $0.maximumHeaderCount = 5 }) { server, address in
      let statuses = try await onThread {
        let client = try TestClient(address)
        let many = (0..<9).map { ("x\($0)", "y") }
        try client.send(
          HTTP2Frame.clientStart + HTTP2Frame.request(1, more: many).bytes + HTTP2Frame.request(3).bytes)
        let inflater = HeaderInflater()
        return try client.readFrames { $0.stream == 3 && $0.flags & 1 != 0 }.filter { $0.type == 1 }
          .map { inflater.fields(of: $0)[":status"] }
      }
      #expect(statuses == ["431", "200"])
      #expect(server.statistics.oversizedHeaders == 1)
    }
  }

  @Test func `100 Continue is sent when the handler asks for the body`() async throws {
    try await withServer { _, address in
      let statuses = try await onThread {
        let client = try TestClient(address)
        try client.send(
          HTTP2Frame.clientStart
            + HTTP2Frame.request(1, "POST", more: [("expect", "100-continue")], end: false).bytes)
        let inflater = HeaderInflater()
        let first = try client.readFrames { $0.type == 1 }.last!
        try client.send(HTTP2Frame.data(1, [0x61], end: true).bytes)
        let second = try client.readFrames { $0.type == 1 }.last!
        return [first, second].map { inflater.fields(of: $0)[":status"] }
      }
      #expect(statuses == ["100", "200"])
    }
  }
}
