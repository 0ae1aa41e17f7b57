import JSON
import Telemetry
import TraceStore

// The models of AGL store contract, section 3. An absent member is left as it is; which ones may be null is said there.
extension RequestReader {
  /// Names of members that must not be null, the first of which that is gets the answer 400.
  static let rolloutMembersWithValue: [StaticString] = ["status", "config"]
  static let attemptMembersWithValue: [StaticString] = ["status", "worker_id", "last_heartbeat_time", "metadata"]
  static let workerMembersWithValue: [StaticString] = ["heartbeat_stats"]

  /// `UpdateRolloutRequest`.
  mutating func rolloutChange() -> RolloutChange {
    var change = RolloutChange()
    let root = JSONDocument.root
    guard isObject(root) else { return change }
    change.input = optional(root, "input") { reader, place in reader.text(place) }
    change.mode = clearable(root, "mode") { reader, place in reader.word(place) }
    change.resourcesID = clearable(root, "resources_id") { reader, place in reader.identifier(place) }
    change.status = nullable(root, "status") { reader, place in reader.word(place) }
    change.config = nullable(root, "config") { reader, place in reader.config(place) }
    change.metadata = clearable(root, "metadata") { reader, place in reader.dictionary(place) }
    return change
  }

  /// `UpdateAttemptRequest`.
  mutating func attemptChange() -> AttemptChange {
    var change = AttemptChange()
    let root = JSONDocument.root
    guard isObject(root) else { return change }
    change.status = nullable(root, "status") { reader, place in reader.word(place) }
    change.workerID = nullable(root, "worker_id") { reader, place in reader.identifier(place) }
    change.lastHeartbeatTime = nullable(root, "last_heartbeat_time") { reader, place in reader.finiteDouble(place) }
    change.metadata = nullable(root, "metadata") { reader, place in reader.dictionary(place) }
    return change
  }

  /// `UpdateWorkerRequest`.
  mutating func heartbeatStats() -> JSONText? {
    guard isObject(JSONDocument.root) else { return nil }
    return nullable(JSONDocument.root, "heartbeat_stats") { reader, place in reader.dictionary(place) }
  }

  /// A member that null empties.
  private mutating func clearable<Value>(
    _ object: Int, _ name: StaticString, _ read: (inout RequestReader, Int) -> Value?
  ) -> Value?? {
    if isNull(object, name) { return .some(nil) }
    return nullable(object, name, read).map { .some($0) }
  }
}
