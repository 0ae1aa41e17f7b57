import JSON
import Protobuf
import Telemetry
import TraceStore

/// Finds the calls of an attempt and their rewards in its spans.
struct InteractionReader {
  /// Somebody's word of what a call was worth.
  private struct Reward {
    var value: Double
    var sequence: Int64
    /// The call; `nil` = the last one before it.
    var responseID: String?
  }

  /// `STATUS_CODE_ERROR`: the agent has not had the whole answer.
  private static let errorStatus: Int32 = 2

  private var recording = Recording()
  private var places: [ExactText: Int] = [:]
  private var rewards: [Reward] = []

  /// Reads an attempt.
  ///
  /// - Returns: Its calls that are complete.
  static func read(_ session: any ReadSession, rollout: String, attempt: String, withMessages: Bool)
    throws(StoreError) -> Recording
  {
    var query = SpanQuery(.rollout(rollout, attempt: .id(attempt)))
    query.sortKey = .sequence
    let rows = try session.select(query).rows
    var reader = InteractionReader()
    var next = rows[...]
    while !next.isEmpty {
      let done = try session.visit(next) { row, bytes, location in
        // What was stored can be read; what cannot says nothing.
        let attributes = try? InteractionAttributes(bytes, at: location.span, withMessages: withMessages)
        if let attributes { reader.add(row, attributes) }
        return true
      }
      guard done > 0 else { break }
      next = next.dropFirst(done)
    }
    return reader.finish()
  }

  private mutating func add(_ row: SpanRow, _ attributes: InteractionAttributes) {
    let sequence = row.sequence ?? 0
    if let value = attributes.reward {
      let responseID = attributes.isCall ? attributes.responseID : attributes.linkedResponseID
      rewards.append(Reward(value: value, sequence: sequence, responseID: responseID))
    }
    guard attributes.isCall, row.statusCode != Self.errorStatus else { return }
    var interaction = Interaction(
      id: attributes.responseID ?? row.spanText, traceID: row.traceID, spanID: row.spanID, parentID: row.parentID,
      sequence: sequence)
    let messages = ChatMessages(attributes)
    interaction.messages = recording.messages.places(of: messages.input)
    interaction.outputs = recording.messages.places(of: messages.output)
    guard let place = places[ExactText(interaction.id)] else {
      places[ExactText(interaction.id)] = recording.interactions.count
      recording.interactions.append(interaction)
      return
    }
    // The same call, told by the agent and by the proxy: what was said counts once.
    if recording.interactions[place].outputs.isEmpty {
      recording.interactions[place].messages = interaction.messages
      recording.interactions[place].outputs = interaction.outputs
    }
  }

  /// Gives the rewards to their calls; of several the last one counts.
  private consuming func finish() -> Recording {
    for reward in rewards {
      if let id = reward.responseID {
        if let place = places[ExactText(id)] { recording.interactions[place].reward = reward.value }
      } else if let place = recording.interactions.lastIndex(where: { $0.sequence < reward.sequence }) {
        recording.interactions[place].reward = reward.value
      }
    }
    return recording
  }
}
