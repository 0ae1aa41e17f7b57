import JSON
import LightningAPI
import Protobuf
import TraceStore

/// Finds what an agent was rewarded with.
///
/// AGL store contract, section 16: the attribute `agentlightning.reward.0.value` of the last span that has one, in the
/// order of the sequence. Agent Lightning writes it into spans of its own, whose names all begin alike.
enum RewardFinder {
  static let namePrefix = "agentlightning."
  static let attribute = "agentlightning.reward.0.value"

  /// The last reward of the latest attempt; `nil` when it has none.
  static func lastReward(ofRollout id: String, _ session: any ReadSession) throws(StoreError) -> Double? {
    var query = SpanQuery(.rollout(id, attempt: .latest))
    query.conditions = [.init(.name, .contains, namePrefix)]
    query.sortKey = .sequence
    // Reversed here and not in the query: of equal numbers the later span counts.
    let rows = Array(try session.select(query).rows.filter { $0.name.hasPrefix(namePrefix) }.reversed())
    var reward: Double?
    _ = try session.visit(rows[...]) { _, bytes, location in
      reward = value(bytes, location)
      return reward == nil
    }
    return reward
  }

  private static func value(_ bytes: Span<UInt8>, _ location: SpanLocation) -> Double? {
    var writer = JSONWriter()
    var spans = AGLSpanWriter()
    let tags = AGLSpanTags(rolloutID: "", attemptID: "", sequenceID: 0)
    // What was stored can be read; what cannot has no reward.
    do throws(ProtobufError) {
      try spans.append(bytes, at: location.span, tags: tags, envelope: AGLSpanEnvelope(), to: &writer)
    } catch {
      return nil
    }
    switch (try? JSONValue(parsing: writer.bytes.span))?["attributes"]?[attribute] {
    case .double(let value)?: return value
    case .integer(let value)?: return Double(value)
    default: return nil
    }
  }
}
