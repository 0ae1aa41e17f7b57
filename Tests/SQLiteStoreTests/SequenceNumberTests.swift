import SQLiteStore
import Telemetry
import Testing
import TraceStore

/// The numbers of spans that come in one request, some with a number and some without.
///
/// AGL store contract, section 10: those without get theirs first, and then what was brought raises the counter.
@Suite struct `Sequence numbers` {
  /// A request whose spans bring these numbers; `nil` = none.
  private static func request(
    _ numbers: [Int64?], from first: UInt64, rollout: (Int) -> String? = { _ in "r" }
  ) throws -> SpanBatch {
    try batch(
      numbers.indices.map { index in
        TestSpan(first + UInt64(index)).with { span in
          if let rollout = rollout(index) {
            span.attributes += [
              ("agentlightning.rollout_id", .string(rollout)), ("agentlightning.attempt_id", .string("a")),
            ]
          }
          if let number = numbers[index] { span.attributes.append(("agentlightning.span_sequence_id", .int(number))) }
        }
      })
  }

  /// The numbers of a rollout's spans in the order of their arrival.
  private static func numbers(_ store: SQLiteStore, _ rollout: String = "r") async throws -> [Int64?] {
    try await store.rows(ofRollout: rollout).map(\.sequence)
  }

  @Test func `numbers that are brought count behind those that are issued`() async throws {
    try await withNewStore { store in
      _ = try await store.append(Self.request([40, nil, nil], from: 1))
      #expect(try await Self.numbers(store) == [40, 1, 2])
      _ = try await store.append(Self.request([nil, 100, nil], from: 11))
      #expect(try await Self.numbers(store).suffix(3) == [41, 100, 42])
      #expect(try await store.nextSequence(rollout: "r", attempt: "a", once: nil) == 101)
    }
  }

  @Test func `spans that all bring numbers raise the counter for the next request`() async throws {
    try await withNewStore { store in
      _ = try await store.append(Self.request([7, 3], from: 1))
      _ = try await store.append(Self.request([nil, nil], from: 11))
      #expect(try await Self.numbers(store) == [7, 3, 8, 9])
    }
  }

  @Test func `each rollout of a request has a counter of its own`() async throws {
    try await withNewStore { store in
      _ = try await store.append(Self.request([40, nil, nil, 5, nil], from: 1) { $0 < 3 ? "r" : "s" })
      #expect(try await Self.numbers(store) == [40, 1, 2])
      #expect(try await Self.numbers(store, "s") == [5, 1])
      #expect(try await store.nextSequence(rollout: "r", attempt: "a", once: nil) == 41)
      #expect(try await store.nextSequence(rollout: "s", attempt: "a", once: nil) == 6)
    }
  }

  @Test func `a repeat takes no number, and what is new beside it takes the next`() async throws {
    try await withNewStore { store in
      _ = try await store.append(Self.request([40, nil, nil], from: 1))
      _ = try await store.append(Self.request([40, nil, nil], from: 1))
      #expect(try await Self.numbers(store) == [40, 1, 2])
      // The first three are known, the others are new.
      _ = try await store.append(Self.request([40, nil, nil, 50, nil], from: 1))
      #expect(try await Self.numbers(store) == [40, 1, 2, 50, 41])
      #expect(try await store.nextSequence(rollout: "r", attempt: "a", once: nil) == 51)
    }
  }

  @Test func `a long request is numbered as a whole, whatever is inserted at once`() async throws {
    let count = 1_000
    try await withNewStore { store in
      _ = try await store.append(Self.request([5_000] + Array(repeating: nil, count: count), from: 1))
      #expect(try await Self.numbers(store) == [5_000] + (1...Int64(count)).map { $0 })
    }
  }

  @Test func `spans that find their rollout later keep what they brought`() async throws {
    try await withNewStore { store in
      // Children that wait for their root, which names the rollout.
      let children = try batch([
        TestSpan(2).with {
          $0.parentID = SpanID(value: 1)
          $0.attributes = [("agentlightning.span_sequence_id", .int(40))]
        },
        TestSpan(3).with { $0.parentID = SpanID(value: 1) },
      ])
      _ = try await store.append(children)
      let root = try batch([
        TestSpan(1).with {
          $0.attributes = [
            ("agentlightning.rollout_id", .string("r")), ("agentlightning.attempt_id", .string("a")),
          ]
        }
      ])
      _ = try await store.append(root)
      let rows = try await store.rows(ofRollout: "r")
      let numbers = Dictionary(uniqueKeysWithValues: rows.map { ($0.spanID.value, $0.sequence) })
      #expect(numbers == [1: 1, 2: 40, 3: 41])
      _ = try await store.append(Self.request([nil], from: 11))
      #expect(try await store.rows(ofRollout: "r").last?.sequence == 42)
    }
  }
}
