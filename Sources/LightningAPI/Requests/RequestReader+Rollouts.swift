import JSON
import Telemetry
import TraceStore

// The models of AGL store contract, section 3.
extension RequestReader {
  /// `EnqueueManyRolloutsRequest`.
  mutating func newRollouts() -> [NewRollout] {
    let root = JSONDocument.root
    guard isObject(root) else { return [] }
    return required(root, "rollouts", or: []) { reader, list in
      reader.list(list) { reader, place in reader.newRollout(place) }
    }
  }

  /// `EnqueueRolloutRequest`, and `RolloutRequest` but for its worker.
  mutating func newRollout(_ place: Int) -> NewRollout {
    guard isObject(place) else { return NewRollout(input: .null) }
    var rollout = NewRollout(input: required(place, "input", or: .null) { reader, place in reader.text(place) })
    rollout.mode = nullable(place, "mode") { reader, place in reader.word(place) }
    rollout.resourcesID = nullable(place, "resources_id") { reader, place in reader.identifier(place) }
    if let config = nullable(place, "config", { reader, place in reader.config(place) }) { rollout.config = config }
    if let metadata = nullable(place, "metadata", { reader, place in reader.dictionary(place) }) {
      rollout.metadata = metadata
    }
    return rollout
  }

  /// `StartAttemptRequest`, and the worker of other requests.
  mutating func worker() -> String? {
    guard isObject(JSONDocument.root) else { return nil }
    return nullable(JSONDocument.root, "worker_id") { reader, place in reader.identifier(place) }
  }

  /// `RolloutConfig`.
  mutating func config(_ place: Int) -> RolloutConfig {
    var config = RolloutConfig()
    guard isObject(place) else { return config }
    config.timeoutSeconds = nullable(place, "timeout_seconds") { reader, place in reader.limit(place) }
    config.unresponsiveSeconds = nullable(place, "unresponsive_seconds") { reader, place in reader.limit(place) }
    config.maxAttempts = optional(place, "max_attempts") { reader, place in reader.positive(place) } ?? 1
    config.retryCondition =
      optional(place, "retry_condition") { reader, place in
        reader.list(place) { reader, place in reader.word(place) }
      } ?? []
    return config
  }

  /// Seconds; what is not finite limits nothing.
  private mutating func limit(_ place: Int) -> Double? {
    let seconds = double(place)
    return seconds.isFinite ? seconds : nil
  }

  private mutating func positive(_ place: Int) -> Int64 {
    let count = faults.count
    let value = integer(place)
    if value < 1 && faults.count == count { note(.tooSmall(1), at: place) }
    return max(value, 1)
  }
}
