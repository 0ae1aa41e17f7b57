import Testing

@testable import Transport

@Suite struct HTTP2SessionTests {
  private func makeSession(headerBytes: Int = 1000, window: Int = 1 << 20) throws -> HTTP2Session {
    try HTTP2Session(
      settings: .init(
        maximumConcurrentStreams: 4, initialStreamWindow: window, connectionWindow: 1 << 24, maximumFrameSize: 1 << 18,
        headerLimits: .init(bytes: headerBytes, count: 10)))
  }

  private func receive(_ session: HTTP2Session, _ bytes: [UInt8]) throws -> [HTTP2Session.Event] {
    try session.receive(bytes.span)
  }

  private func frames(_ session: HTTP2Session) throws -> [HTTP2Frame] {
    HTTP2Frame.all(in: try session.takeOutput(upTo: 1 << 20))
  }

  private func block(_ fields: (String, String)...) -> HeaderBlock {
    var block = HeaderBlock()
    for (name, value) in fields { block.append(name, value) }
    return block
  }

  @Test func `the server announces its limits`() throws {
    let session = try makeSession()
    let frames = try frames(session)
    #expect(frames.first?.type == 4)
    #expect(frames.first?.payload == [0, 3, 0, 0, 0, 4, 0, 4, 0, 16, 0, 0, 0, 5, 0, 4, 0, 0, 0, 6, 0, 0, 3, 232])
    #expect(frames.last == .windowUpdate(0, 1 << 24 - 65535))
  }

  @Test(arguments: [false, true])
  func `streams over the limit are surplus, and the others go on`(isAcknowledged: Bool) throws {
    let session = try makeSession()
    _ = try frames(session)
    var bytes = isAcknowledged ? HTTP2Frame.clientStart : HTTPConnection.preface + HTTP2Frame.settings.bytes
    for stream in stride(from: Int32(1), through: 11, by: 2) {
      bytes += HTTP2Frame.request(stream, "POST", end: false).bytes
    }
    let events = try receive(session, bytes)
    let surplus = events.compactMap { if case .surplusRequest(let stream) = $0 { stream } else { nil } }
    #expect(surplus == [9, 11])
    for stream in surplus { session.resetStream(stream, .refusedStream) }
    #expect(try frames(session).filter { $0.type == 3 } == [.reset(9, code: 7), .reset(11, code: 7)])
    // A stream that ends makes room for another one; those that were refused had none.
    _ = try receive(session, HTTP2Frame.reset(1).bytes)
    let more = try receive(session, HTTP2Frame.request(13).bytes + HTTP2Frame.request(15).bytes)
    #expect(more.contains { if case .request(13, _) = $0 { true } else { false } })
    #expect(more.contains(.surplusRequest(stream: 15)))
    #expect(!session.isOver)
  }

  @Test func `a request is reported with its fields`() throws {
    let session = try makeSession()
    let bytes =
      HTTP2Frame.clientStart + HTTP2Frame.request(1, "POST", path: "/a?b", more: [("x-y", "z")], end: false).bytes
    let head = HTTP2RequestHead(
      method: .post, path: "/a", query: "b", headers: ["x-y": "z", "host": "h"], endsStream: false)
    #expect(try receive(session, bytes) == [.headersBegan, .request(stream: 1, head)])
    let data = HTTP2Frame.data(1, [1, 2, 3], end: true).bytes
    #expect(try receive(session, data) == [.data(stream: 1, 9..<12), .requestEnded(stream: 1)])
  }

  @Test func `input may be split anywhere`() throws {
    let bytes =
      HTTP2Frame.clientStart + HTTP2Frame.request(1, "POST", end: false).bytes
      + HTTP2Frame.data(1, [7, 8, 9], end: true).bytes + HTTP2Frame.request(3).bytes
    for offset in 1..<bytes.count {
      let session = try makeSession()
      var body: [UInt8] = []
      var ends = 0
      for piece in [Array(bytes[..<offset]), Array(bytes[offset...])] {
        for event in try receive(session, piece) {
          if case .data(1, let range) = event { body += piece[range] }
          if case .requestEnded = event { ends += 1 }
        }
      }
      #expect(body == [7, 8, 9] && ends == 2, "split at \(offset)")
    }
  }

  @Test func `an answer has fields, body and trailers`() throws {
    let session = try makeSession()
    _ = try receive(session, HTTP2Frame.clientStart + HTTP2Frame.request(1).bytes)
    _ = try frames(session)
    var body = OutgoingBody()
    body.append([1, 2, 3])
    body.isFinished = true
    body.trailers = ["grpc-status": "0"]
    try session.submitResponse(stream: 1, block((":status", "200"), ("a", "b\r\nc")), body: body)
    let frames = try frames(session)
    let inflater = HeaderInflater()
    #expect(frames.map(\.type) == [1, 0, 1])
    #expect(inflater.fields(of: frames[0]) == [":status": "200", "a": "b  c"])
    #expect(frames[1] == .data(1, [1, 2, 3]))
    #expect(frames[2].flags == HTTP2Frame.endHeaders | HTTP2Frame.endStream)
    #expect(inflater.fields(of: frames[2]) == ["grpc-status": "0"])
    #expect(session.takeEvents() == [.answerEnded(stream: 1), .streamClosed(stream: 1, errorCode: 0)])
  }

  @Test func `an answer without a body ends with its fields`() throws {
    let session = try makeSession()
    _ = try receive(session, HTTP2Frame.clientStart + HTTP2Frame.request(1).bytes)
    _ = try frames(session)
    try session.submitResponse(stream: 1, block((":status", "200"), ("grpc-status", "12")), body: nil)
    let frames = try frames(session)
    #expect(frames.map(\.type) == [1])
    #expect(frames[0].flags == HTTP2Frame.endHeaders | HTTP2Frame.endStream)
  }

  @Test func `a streamed body waits for pieces and for the window`() throws {
    let session = try makeSession()
    _ = try receive(session, HTTP2Frame.clientStart + HTTP2Frame.request(1).bytes)
    try session.submitResponse(stream: 1, block((":status", "200")), body: OutgoingBody())
    _ = try frames(session)
    #expect(try frames(session).isEmpty)
    session.appendBody(Array(repeating: 5, count: 100_000), stream: 1)
    // The client's windows are 65,535 bytes until it opens them.
    #expect(try frames(session).map(\.payload.count).reduce(0, +) == 65_535)
    #expect(session.pendingBody(stream: 1) == 100_000 - 65_535)
    _ = try receive(session, HTTP2Frame.windowUpdate(0, 50_000).bytes + HTTP2Frame.windowUpdate(1, 50_000).bytes)
    session.finishBody(stream: 1, trailers: [:])
    let rest = try frames(session)
    #expect(rest.map(\.payload.count).reduce(0, +) == 100_000 - 65_535)
    #expect(rest.last?.flags == HTTP2Frame.endStream)
  }

  @Test func `windows open only when bytes are taken`() throws {
    let session = try makeSession(window: 65_535)
    _ = try receive(session, HTTP2Frame.clientStart + HTTP2Frame.request(1, "POST", end: false).bytes)
    _ = try frames(session)
    let half = HTTP2Frame.data(1, Array(repeating: 0, count: 16_384)).bytes
    _ = try receive(session, half + half + half)
    #expect(try frames(session).allSatisfy { $0.type != 8 })
    session.consume(3 * 16_384, stream: 1)
    #expect(try frames(session).contains(.windowUpdate(1, 3 * 16_384)))
  }

  @Test func `oversized header sections are reported and dropped`() throws {
    let session = try makeSession(headerBytes: 200)
    let long = String(repeating: "v", count: 300)
    let bytes = HTTP2Frame.clientStart + HTTP2Frame.request(1, more: [("x", long)]).bytes
    #expect(try receive(session, bytes) == [.headersBegan, .oversizedRequest(stream: 1), .requestEnded(stream: 1)])
    let many = (0..<11).map { ("x\($0)", "") }
    #expect(
      try receive(session, HTTP2Frame.request(3, more: many).bytes)
        == [.headersBegan, .oversizedRequest(stream: 3), .requestEnded(stream: 3)])
  }

  @Test func `a connection field resets the stream`() throws {
    let session = try makeSession()
    let bytes = HTTP2Frame.clientStart + HTTP2Frame.request(1, more: [("connection", "close")]).bytes
    let events = try receive(session, bytes)
    #expect(!events.contains { if case .request = $0 { true } else { false } })
    #expect(try frames(session).contains(.reset(1, code: 1)))
  }

  @Test(arguments: [
    ("data on stream 0", HTTP2Frame.data(0, [1])), ("even stream", .request(2)),
    ("push promise", HTTP2Frame(type: 5, stream: 1)),
    ("broken HPACK", HTTP2Frame(type: 1, flags: 5, stream: 1, payload: [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])),
    ("frame too large", HTTP2Frame.data(1, Array(repeating: 0, count: 1 << 18 + 1))),
    ("continuation without headers", HTTP2Frame(type: 9, stream: 1)),
  ])
  func `connection errors end the connection with a reason`(name: String, frame: HTTP2Frame) throws {
    let session = try makeSession()
    _ = try receive(session, HTTP2Frame.clientStart + frame.bytes)
    #expect(try frames(session).contains { $0.type == 7 && $0.payload[4...] != [0, 0, 0, 0] }, "\(name)")
    #expect(session.isOver)
  }

  @Test func `unknown frames, padding and priorities are tolerated`() throws {
    let session = try makeSession()
    var padded = HTTP2Frame.data(1, [2, 9, 9, 9, 0, 0], end: true)
    padded.flags |= 8
    let bytes =
      HTTP2Frame.clientStart + HTTP2Frame(type: 0xEE, payload: [1]).bytes
      + HTTP2Frame(type: 16, payload: [0, 0, 0, 1] + Array("u=1".utf8)).bytes
      + HTTP2Frame.request(1, "POST", end: false).bytes
      + HTTP2Frame(type: 2, stream: 1, payload: [0, 0, 0, 0, 9]).bytes
      + padded.bytes
    let events = try receive(session, bytes)
    #expect(events.contains(.requestEnded(stream: 1)))
    #expect(try frames(session).allSatisfy { $0.type != 7 && $0.type != 3 })
  }

  @Test func `a flood of pings is noticed when nothing is written`() throws {
    let session = try makeSession()
    let flood = HTTP2Frame.clientStart + Array(repeating: HTTP2Frame.ping.bytes, count: 2000).flatMap { $0 }
    do {
      _ = try receive(session, flood)
      Issue.record("2,000 pings were queued")
    } catch let error as HTTP2Error {
      #expect(error.isFlood)
    }
  }

  @Test func `endless continuations are refused`() throws {
    let session = try makeSession()
    var bytes = HTTP2Frame.clientStart
    var head = HTTP2Frame.request(1)
    head.flags = 0
    bytes += head.bytes
    for _ in 0..<100 { bytes += HTTP2Frame(type: 9, stream: 1).bytes }
    #expect(throws: HTTP2Error.self) { try receive(session, bytes) }
  }

  @Test func `something else than the preface is refused`() throws {
    let session = try makeSession()
    #expect(throws: HTTP2Error.self) { try receive(session, Array("GET / HTTP/1.1\r\n\r\n".utf8)) }
  }

  @Test func `going away leaves open streams to finish`() throws {
    let session = try makeSession()
    _ = try receive(session, HTTP2Frame.clientStart + HTTP2Frame.request(1).bytes)
    session.submitGoAway()
    #expect(try frames(session).contains { $0.type == 7 && $0.payload == [0, 0, 0, 1, 0, 0, 0, 0] })
    #expect(!session.isOver)
    try session.submitResponse(stream: 1, block((":status", "204")), body: nil)
    _ = try frames(session)
    #expect(session.isOver)
  }
}
