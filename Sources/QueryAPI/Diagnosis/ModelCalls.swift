import Telemetry
import TraceStore

/// The calls of language models of an attempt.
///
/// Proxies record one call as several spans below each other, of which each shows a part.
struct ModelCalls {
  private struct Recorded {
    var id: Identifier
    var parent: Identifier?
    var start: UInt64
    /// The number of a span that stands where it was bound, and not where its sender has put it.
    var boundSequence: Int64?
    var traits: SpanTraits
  }

  private struct Identifier: Hashable {
    var trace: TraceID
    var span: SpanID
  }

  private var spans: [Recorded] = []

  mutating func add(_ row: SpanRow, _ traits: SpanTraits) {
    // Spans of tracers are numbered as they come in, by library and not by time, and their adapter does not go by that.
    let isNumberedByTime = traits.isOfProxy || ![.explicit, .request, .context].contains(row.rule)
    spans.append(
      Recorded(
        id: Identifier(trace: row.traceID, span: row.spanID),
        parent: row.parentID.map { Identifier(trace: row.traceID, span: $0) }, start: row.startTime,
        boundSequence: isNumberedByTime ? row.sequence : nil, traits: traits))
  }

  /// The number of spans.
  var spanCount: Int { spans.count }

  /// Counts the calls.
  ///
  /// - Parameter reward: The number and the start of the last reward.
  func count(reward: (sequence: Int64, start: UInt64)?, in tally: inout SpanTally) {
    var calls: [Identifier: (traits: SpanTraits, isBehind: Bool)] = [:]
    let parents = Dictionary(spans.map { ($0.id, $0.parent) }) { first, _ in first }
    for span in spans {
      let isBehind = Self.isBehind(span, reward)
      let top = Self.top(of: span.id, parents)
      guard var call = calls[top] else {
        calls[top] = (span.traits, isBehind)
        continue
      }
      call.traits.merge(span.traits)
      calls[top] = (call.traits, call.isBehind || isBehind)
    }
    tally.llmCalls = calls.count
    for (traits, isBehind) in calls.values {
      if traits.hasTokenIDs { tally.withTokenIDs += 1 }
      if traits.hasLogProbabilities { tally.withLogProbabilities += 1 }
      if isBehind { tally.behindReward += 1 }
    }
  }

  private static func isBehind(_ span: Recorded, _ reward: (sequence: Int64, start: UInt64)?) -> Bool {
    guard let reward, let sequence = span.boundSequence, span.start != 0 else { return false }
    return sequence > reward.sequence && span.start <= reward.start
  }

  /// More than this no recorder nests; it ends the walk in a circle, too.
  private static let mostLevels = 8

  private static func top(of id: Identifier, _ parents: [Identifier: Identifier?]) -> Identifier {
    var top = id
    for _ in 0..<mostLevels {
      guard let parent = parents[top] ?? nil, parents.keys.contains(parent) else { return top }
      top = parent
    }
    return top
  }
}
