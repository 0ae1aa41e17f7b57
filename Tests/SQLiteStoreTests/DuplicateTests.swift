import OTLP
import Protobuf
import SQLiteStore
import Telemetry
import Testing
import TraceStore

@Suite struct `Spans that come again` {
  private static func different(_ number: Int) -> TestSpan { TestSpan(1).with { $0.name = "variant \(number)" } }

  @Test func `the same span twice in one batch is one span`() async throws {
    try await withNewStore { store async throws in
      let receipt = try await store.append(batch([TestSpan(1), TestSpan(2), TestSpan(1)]))
      #expect(receipt == AppendReceipt(stored: 2, duplicates: 1))
      #expect(try await store.spans(ofTrace: 1).count == 2)
    }
  }

  @Test func `the same span in another batch is one span`() async throws {
    try await withNewStore { store async throws in
      _ = try await store.append(batch([TestSpan(1), TestSpan(2)]))
      #expect(try await store.append(batch([TestSpan(3), TestSpan(2)])) == AppendReceipt(stored: 1, duplicates: 1))
      #expect(try await store.append(batch([TestSpan(1)])) == AppendReceipt(duplicates: 1))
      #expect(try await store.spans(ofTrace: 1).map(\.row.spanID.value) == [1, 2, 3])
    }
  }

  /// Rows are inserted many at once, where all are new.
  @Test func `single repeats and variants among many spans disturb no other`() async throws {
    let tag = RolloutTag(rolloutID: "r", rule: .request)
    let spans = (1...300).map { TestSpan(UInt64($0)) }
    let known: [UInt64] = [50, 130, 200, 300]
    try await withNewStore { store async throws in
      _ = try await store.append(batch(known.map { TestSpan($0) }, tag: tag))
      var sent = spans
      // Also one of the batch itself, and one that is another under its ids.
      sent.insert(spans[9], at: 240)
      sent[129].name = "another"
      let receipt = try await store.append(batch(sent, tag: tag))
      #expect(receipt == AppendReceipt(stored: 297, variants: 1, duplicates: 4))
      let stored = try await store.rows(ofRollout: "r")
      #expect(stored.map(\.arrival).sorted() == Array(1...301))
      #expect(stored.sorted { $0.arrival < $1.arrival }.compactMap(\.sequence) == Array(1...301))
      let expected = known + spans.map(\.spanID.value).filter { !known.contains($0) || $0 == 130 }
      #expect(stored.sorted { $0.arrival < $1.arrival }.map(\.spanID.value) == expected)
      #expect(try await store.spans(ofTrace: 1).filter { $0.row.spanID.value == 130 }.map(\.row.variant) == [0, 1])
      #expect(try await store.totals().spans == 301)
    }
  }

  @Test func `the same span after a restart is one span`() async throws {
    let folder = try TemporaryFolder()
    try await folder.withStore { store async throws in _ = try await store.append(batch([TestSpan(1)])) }
    try await folder.withStore { store async throws in
      #expect(try await store.append(batch([TestSpan(1)])) == AppendReceipt(duplicates: 1))
      #expect(try await store.totals().spans == 1)
    }
  }

  @Test func `the same contents in another encoding are the same span`() async throws {
    try await withNewStore { store async throws in
      _ = try await store.append(batch([TestSpan(1)]))
      // The fields in another order: a second message that says the rest.
      var again = exportRequest(scopes: [[]])
      var span = ProtobufWriter()
      span.bytesField(5, Array("other".utf8).span)
      span.append(TestSpan(1).bytes.span)
      again += wrapped(span.bytes)
      #expect(try await store.append(batch(again)) == AppendReceipt(duplicates: 1))
    }
  }

  private func wrapped(_ span: [UInt8]) -> [UInt8] {
    var writer = ProtobufWriter()
    let resource = writer.beginMessage(1)
    let scope = writer.beginMessage(2)
    writer.bytesField(2, span.span)
    writer.endMessage(scope)
    writer.endMessage(resource)
    return writer.bytes
  }

  @Test func `different spans under the same ids are all kept, in one batch`() async throws {
    try await withNewStore { store async throws in
      let spans = (0..<5).map(Self.different)
      #expect(try await store.append(batch(spans + spans)) == AppendReceipt(stored: 5, variants: 4, duplicates: 5))
      let stored = try await store.spans(ofTrace: 1)
      #expect(stored.map(\.row.variant) == [0, 1, 2, 3, 4])
      #expect(stored.map(\.bytes) == spans.map(\.bytes))
    }
  }

  @Test func `different spans under the same ids are all kept, across restarts`() async throws {
    let folder = try TemporaryFolder()
    for round in 0..<4 {
      try await folder.withStore { store async throws in
        let receipt = try await store.append(batch([Self.different(round), Self.different(0)]))
        #expect(receipt == AppendReceipt(stored: 1, variants: round == 0 ? 0 : 1, duplicates: 1))
      }
    }
    try await folder.withStore { store async throws in
      #expect(try await store.spans(ofTrace: 1).map(\.row.name) == (0..<4).map { "variant \($0)" })
      #expect(try await store.totals().variants == 3)
    }
  }

  @Test func `another resource makes another span`() async throws {
    try await withNewStore { store async throws in
      _ = try await store.append(batch([TestSpan(1)], resource: [("service.name", .string("one"))]))
      let receipt = try await store.append(batch([TestSpan(1)], resource: [("service.name", .string("two"))]))
      #expect(receipt == AppendReceipt(stored: 1, variants: 1))
    }
  }

  @Test func `a large request that comes again is stored once`() async throws {
    try await withNewStore { store async throws in
      let spans = (1...3_000).map { number in
        TestSpan(UInt64(number)).with { $0.attributes = [("text", .string(String(repeating: "x", count: 200)))] }
      }
      _ = try await store.append(batch(spans))
      #expect(try await store.append(batch(spans.reversed())) == AppendReceipt(duplicates: spans.count))
    }
  }

  // Comparing the resource anew for each span would read 5 GB.
  @Test(.timeLimit(.minutes(5))) func `many spans below a large resource can come again`() async throws {
    try await withNewStore { store async throws in
      let resource: [(String, TestSpan.Value)] = [("text", .string(String(repeating: "x", count: 500_000)))]
      let spans = (1...5_000).map { TestSpan(UInt64($0)) }
      _ = try await store.append(batch(spans, resource: resource))
      let again = try await store.append(batch(spans, resource: resource))
      #expect(again == AppendReceipt(duplicates: spans.count))
    }
  }
}
