import Protobuf
import Synchronization
import Testing
import Transport

/// Large requests must not keep an event loop from its other work: while one is prepared, another task of the same loop
/// goes on.
@Suite(.serialized, .timeLimit(.minutes(2))) struct `Large requests` {
  /// How often the other task has to get its turn: far more often than once for each half a megabyte of the requests
  /// below, and far less often than a loop that is free lets it run.
  private static let turns = 500
  private static let size = 8 << 20

  @Test func `JSON leaves the loop to others`() async throws {
    var json = Array(#"{"resourceSpans":[{"scopeSpans":[{"spans":["#.utf8)
    let span = Array(#"{"traceId":"01","spanId":"02","attributes":[{"key":"k","value":{"intValue":"1"}}]},"#.utf8)
    while json.count < Self.size { json += span }
    json += Array("{}]}]}]}".utf8)
    try await expectProgress(json, type: "application/json", status: 400)
  }

  @Test func `JSON that breaks at its end leaves the loop to others`() async throws {
    let unknown = Array(#"{"unknown":["#.utf8) + Array(repeatElement(Array("1,".utf8), count: Self.size / 2).joined())
    try await expectProgress(unknown, type: "application/json", status: 400)
  }

  @Test func `a request that has to be repaired leaves the loop to others`() async throws {
    let rejected = Message.span(id: [1], name: String(repeating: "n", count: 40))
    try await expectProgress(request(of: rejected), status: 400)
  }

  @Test func `one large span leaves the loop to others`() async throws {
    var attribute = ProtobufWriter()
    attribute.stringField(1, "key")
    var span = ProtobufWriter()
    span.append(Message.span(id: [1]).span)
    while span.bytes.count < Self.size { span.bytesField(9, attribute.bytes.span) }
    try await expectProgress(Message.request([span.bytes]), status: 400)
  }

  @Test func `a request that is cut into segments leaves the loop to others`() async throws {
    let body = request(of: Message.span(name: String(repeating: "n", count: 40)))
    try await expectProgress(body, status: 200)
  }

  @Test func `a small request is prepared where it was received`() async throws {
    // The answer comes in the same turn: nothing else of the loop runs in between.
    let loop = try EventLoop(name: "test")
    let others = await onLoop(loop) {
      let progress = Progress()
      let other = Task(executorPreference: loop) { await progress.run() }
      let response = try? await Receiver().post(Message.request())
      #expect(response?.status == 200)
      let turns = progress.end()
      await other.value
      return turns
    }
    #expect(others <= 1)
    await loop.stop()
  }

  private func request(of span: [UInt8]) -> [UInt8] {
    Message.request(Array(repeating: span, count: Self.size / span.count))
  }

  private func expectProgress(_ body: [UInt8], type: String = "application/x-protobuf", status: Int) async throws {
    let loop = try EventLoop(name: "test")
    let receiver = Receiver()
    let turns = await onLoop(loop) {
      let progress = Progress()
      let other = Task(executorPreference: loop) { await progress.run() }
      let response = try? await receiver.post(body, type: type)
      #expect(response?.status == status)
      let turns = progress.end()
      await other.value
      return turns
    }
    await loop.stop()
    #expect(turns > Self.turns)
  }

  private func onLoop<Value: Sendable>(_ loop: EventLoop, _ body: @escaping @Sendable () async -> Value) async -> Value
  {
    await Task(executorPreference: loop) { await body() }.value
  }
}

/// Counts the turns that a task gets beside another one.
private final class Progress: Sendable {
  private let turns = Atomic(0)
  private let isOver = Atomic(false)

  func run() async {
    while !isOver.load(ordering: .relaxed) {
      turns.wrappingAdd(1, ordering: .relaxed)
      await Task.yield()
    }
  }

  /// Ends the counting task, and gives its count.
  func end() -> Int {
    isOver.store(true, ordering: .relaxed)
    return turns.load(ordering: .relaxed)
  }
}
