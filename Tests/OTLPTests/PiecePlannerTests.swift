import OTLP
import Protobuf
import Telemetry
import Testing

@Suite struct `Cutting a large request` {
  /// A request of scopes below one resource, each with spans that have 100 bytes of attributes and no name.
  private static func request(resourceSize: Int, scopes: Int, spansPerScope: Int) -> [UInt8] {
    var id: UInt8 = 0
    return message { writer in
      let resourceSpans = writer.beginMessage(1)
      let resource = message {
        $0.bytesField(1, attribute("large", message { $0.bytesField(7, [UInt8](repeating: 1, count: resourceSize)) }))
      }
      writer.bytesField(1, resource)
      for _ in 0..<scopes {
        let scopeSpans = writer.beginMessage(2)
        for _ in 0..<spansPerScope {
          id = id % 255 + 1
          writer.bytesField(
            2,
            message {
              $0.bytesField(1, [UInt8](repeating: id, count: 16))
              $0.bytesField(2, [UInt8](repeating: id, count: 8))
              $0.bytesField(9, attribute("k", message { $0.stringField(1, String(repeating: "v", count: 100)) }))
            })
        }
        writer.endMessage(scopeSpans)
      }
      writer.endMessage(resourceSpans)
    }
  }

  private static func cut(_ request: [UInt8]) throws -> SpanBatch {
    var scanner = RequestScanner()
    #expect(try scanner.step(request.span))
    var batch = scanner.batch
    SegmentSplitter.split(request, &batch)
    return batch
  }

  @Test(arguments: [(10, 1, 3000), (10, 3000, 1), (100_000, 1000, 1), (100_000, 1, 3000), (300_000, 50, 40)])
  func `every span is found in its segment, and together they stay in proportion`(
    resourceSize: Int, scopes: Int, spansPerScope: Int
  ) throws {
    let request = Self.request(resourceSize: resourceSize, scopes: scopes, spansPerScope: spansPerScope)
    let batch = try Self.cut(request)
    #expect(batch.segments.reduce(0) { $0 + $1.bytes.count } < request.count * 3 / 2)
    #expect(batch.segments.flatMap { Array($0.spans) } == Array(0..<scopes * spansPerScope))
    for segment in batch.segments {
      var walker = SegmentWalker()
      for index in segment.spans {
        let facts = batch.spans[index]
        let found = try #require(try walker.find(Int(facts.offset), in: segment.bytes.span))
        #expect(found.count == Int(facts.length))
        #expect(facts.nameOffset == 0 && facts.nameLength == 0)
      }
    }
  }

  @Test func `scopes without spans are no contexts`() throws {
    let request = message { writer in
      let resourceSpans = writer.beginMessage(1)
      for _ in 0..<1000 { writer.bytesField(2, []) }
      writer.endMessage(resourceSpans)
    }
    #expect(try Self.cut(request).contexts.isEmpty)
  }
}
