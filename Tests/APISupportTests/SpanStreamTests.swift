import Telemetry
import Testing
import TraceStore

@testable import APISupport

@Suite struct `Answers on their way` {
  private let query = SpanQuery(.unassigned)

  private func stream(_ reader: ScriptedReader) -> SpanStream<SpanPieces<HalfPieceRenderer>> {
    SpanStream(reader, query) { _ in HalfPieceRenderer() }
  }

  @Test func `a small answer comes whole`() async throws {
    let reader = ScriptedReader(spanCount: 1)
    let stream = stream(reader)
    #expect(reader.runAll() == 1)
    #expect(try await stream.wholeAnswer() == HalfPieceRenderer.answer(spanCount: 1))
    #expect(try await stream.next() == nil)
  }

  @Test(arguments: [3, 8, 9, 40, 200])
  func `pieces come in order and are all there`(spanCount: Int) async throws {
    let reader = ScriptedReader(spanCount: spanCount)
    let stream = stream(reader)
    reader.runAll()
    #expect(try await stream.wholeAnswer() == nil)
    var answer: [UInt8] = []
    while let piece = try await stream.next() {
      answer += piece
      reader.runAll()
    }
    #expect(answer == HalfPieceRenderer.answer(spanCount: spanCount))
  }

  @Test func `a connection can wait for pieces`() async throws {
    let reader = ScriptedReader(spanCount: 40)
    let stream = stream(reader)
    async let answer = Self.all(stream)
    var isDone = false
    while !isDone {
      reader.runAll()
      await Task.yield()
      isDone = reader.waitingCount == 0 && stream.isRendered
    }
    #expect(try await answer == HalfPieceRenderer.answer(spanCount: 40))
  }

  private static func all(_ stream: SpanStream<SpanPieces<HalfPieceRenderer>>) async throws -> [UInt8] {
    var answer: [UInt8] = []
    while let piece = try await stream.next() { answer += piece }
    return answer
  }

  @Test func `a client that does not read holds no thread and little memory`() async throws {
    let reader = ScriptedReader(spanCount: 1_000)
    let stream = stream(reader)
    #expect(reader.runAll() == 1)
    #expect(stream.waitingPieces <= 2)
    // It goes on before the connection has nothing to send.
    while stream.waitingPieces > 1 {
      #expect(reader.waitingCount == 0)
      _ = try await stream.next()
    }
    #expect(reader.waitingCount == 1)
  }

  @Test func `other queries come between the turns of a large answer`() async throws {
    let reader = ScriptedReader(spanCount: 1_000)
    let stream = stream(reader)
    reader.runAll()
    // The connection takes pieces as they come, so that only its length ends a turn.
    let client = Task { try await Self.all(stream) }
    var turnCount = 1
    while !stream.isRendered {
      if reader.run() { turnCount += 1 }
      await Task.yield()
    }
    #expect(turnCount > 1_000 * HalfPieceRenderer.size / (4 << 20))
    _ = try await client.value
  }

  @Test func `a failure before the first piece is told at once`() async {
    let reader = ScriptedReader(spanCount: 1)
    let stream = stream(reader)
    reader.runAll(failing: StoreError(.closing, "closing"))
    let error = await #expect(throws: StoreError.self) { try await stream.wholeAnswer() }
    #expect(error?.code == .closing)
  }

  @Test func `a later failure follows the pieces before it`() async throws {
    let reader = ScriptedReader(spanCount: 40)
    let stream = stream(reader)
    reader.runAll()
    #expect(try await stream.wholeAnswer() == nil)
    var pieceCount = 0
    let error = await #expect(throws: StoreError.self) {
      while try await stream.next() != nil {
        pieceCount += 1
        reader.runAll(failing: StoreError(.deadline, "too slow"))
      }
    }
    #expect(error?.code == .deadline)
    #expect(pieceCount == 2)
  }
}
