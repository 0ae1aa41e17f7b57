import Telemetry
import Testing
import TraceStore
import Transport

@testable import APISupport

@Suite struct `Answers on their way` {
  private let query = SpanQuery(.unassigned)

  private func stream(_ reader: ScriptedReader, _ budget: AnswerBudget = AnswerBudget(limit: .max)) async throws
    -> SpanStream<SpanPieces<HalfPieceRenderer>>
  {
    SpanStream(reader, query, try #require(await AnswerAllowance(budget).lease())) { _ in HalfPieceRenderer() }
  }

  @Test func `a small answer comes whole`() async throws {
    let reader = ScriptedReader(spanCount: 1)
    let stream = try await stream(reader)
    #expect(reader.runAll() == 1)
    #expect(try await stream.wholeAnswer() == HalfPieceRenderer.answer(spanCount: 1))
    #expect(try await stream.next() == nil)
  }

  @Test(arguments: [3, 8, 9, 40, 200])
  func `pieces come in order and are all there`(spanCount: Int) async throws {
    let reader = ScriptedReader(spanCount: spanCount)
    let stream = try await stream(reader)
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
    let stream = try await stream(reader)
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
    let stream = try await stream(reader)
    #expect(reader.runAll() == 1)
    #expect(stream.waitingPieces <= 2)
    // It goes on before the connection has nothing to send.
    while stream.waitingPieces > 1 {
      #expect(reader.waitingCount == 0)
      _ = try await stream.next()
    }
    #expect(reader.waitingCount == 1)
  }

  @Test func `when memory is scarce nothing is rendered ahead, and what is read goes on`() async throws {
    let budget = AnswerBudget(limit: 1 << 20)
    let other = try #require(await AnswerAllowance(budget).lease())
    other.hold(1 << 19)
    let reader = ScriptedReader(spanCount: 40)
    let stream = try await stream(reader, budget)
    reader.runAll()
    #expect(stream.waitingPieces == 1)
    other.hold(1 << 20)
    #expect(reader.waitingCount == 0)
    // The first piece is there; each further one is made when it is asked for.
    let first = try await stream.next() ?? []
    #expect(reader.waitingCount == 0 && stream.waitingPieces == 0)
    async let rest = Self.all(stream)
    while !stream.isRendered {
      reader.runAll()
      #expect(stream.waitingPieces <= 1)
      await Task.yield()
    }
    #expect(try await first + rest == HalfPieceRenderer.answer(spanCount: 40))
  }

  @Test func `an answer is refused when others hold all there is`() async throws {
    let budget = AnswerBudget(limit: 1 << 20)
    let other = try #require(await AnswerAllowance(budget).lease())
    other.hold(1 << 20)
    let reader = ScriptedReader(spanCount: 3)
    let refused = try await stream(reader, budget)
    reader.runAll()
    let error = await #expect(throws: StoreError.self) { try await refused.wholeAnswer() }
    #expect(error?.code == .overloaded)
    // A small one is made nevertheless: it holds little, and is what most ask for.
    let smallReader = ScriptedReader(spanCount: 1)
    let small = try await stream(smallReader, budget)
    smallReader.runAll()
    #expect(try await small.wholeAnswer() == HalfPieceRenderer.answer(spanCount: 1))
    other.hold(0)
    let stream = try await stream(reader, budget)
    reader.runAll()
    #expect(try await stream.wholeAnswer() == nil)
  }

  @Test func `the rows of an answer count until the last of its pieces is made`() async throws {
    let budget = AnswerBudget(limit: .max)
    let rowBytes = 1_000 * MemoryLayout<SpanRow>.stride
    let reader = ScriptedReader(spanCount: 1_000)
    let stream = try await stream(reader, budget)
    reader.runAll()
    #expect(budget.usedBytes >= rowBytes + HalfPieceRenderer.size)
    let client = Task { try await Self.all(stream) }
    while !stream.isRendered {
      reader.runAll()
      await Task.yield()
    }
    _ = try await client.value
    #expect(budget.usedBytes <= 256 << 10)
  }

  @Test func `pieces that are asked for while others are made are all there where memory is scarce`() async throws {
    let budget = AnswerBudget(limit: 1 << 20)
    let other = try #require(await AnswerAllowance(budget).lease())
    other.hold(1 << 19)
    for _ in 0..<20 {
      let reader = ScriptedReader(spanCount: 12)
      let stream = try await stream(reader, budget)
      let thread = Task.detached {
        while !stream.isRendered { if !reader.run() { await Task.yield() } }
      }
      #expect(try await Self.all(stream) == HalfPieceRenderer.answer(spanCount: 12))
      await thread.value
    }
  }

  @Test func `what was given to the connection counts until the next piece is asked for`() async throws {
    let budget = AnswerBudget(limit: .max)
    let reader = ScriptedReader(spanCount: 1_000)
    let stream = try await stream(reader, budget)
    reader.runAll()
    let rowBytes = 1_000 * MemoryLayout<SpanRow>.stride
    let piece = (budget.usedBytes - rowBytes) / 2
    _ = try await stream.next()
    reader.runAll()
    #expect(budget.usedBytes - rowBytes >= 3 * piece)
    _ = try await stream.next()
    #expect(budget.usedBytes - rowBytes <= 3 * piece + 256 << 10)
  }

  @Test func `other queries come between the turns of a large answer`() async throws {
    let reader = ScriptedReader(spanCount: 1_000)
    let stream = try await stream(reader)
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

  @Test func `a failure before the first piece is told at once`() async throws {
    let reader = ScriptedReader(spanCount: 1)
    let stream = try await stream(reader)
    reader.runAll(failing: StoreError(.closing, "closing"))
    let error = await #expect(throws: StoreError.self) { try await stream.wholeAnswer() }
    #expect(error?.code == .closing)
  }

  @Test func `a later failure follows the pieces before it`() async throws {
    let reader = ScriptedReader(spanCount: 40)
    let stream = try await stream(reader)
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
