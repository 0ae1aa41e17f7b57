import JSON

// The models of AGL store contract, sections 9 and 11.
extension RequestReader {
  /// `WaitForRolloutsRequest`: the ids, and the seconds; `nil` = without limit.
  mutating func wait() -> (ids: [String], timeout: Double?) {
    let root = JSONDocument.root
    guard isObject(root) else { return ([], nil) }
    let ids = required(root, "rollout_ids", or: []) { reader, list in
      reader.list(list) { reader, place in reader.string(place) }
    }
    return (ids, nullable(root, "timeout") { reader, place in reader.double(place) })
  }

  /// `NextSequenceIdRequest`.
  mutating func nextSequence() -> (rollout: String, attempt: String) {
    let root = JSONDocument.root
    guard isObject(root) else { return ("", "") }
    let rollout = required(root, "rollout_id", or: "") { reader, place in reader.identifier(place) }
    let attempt = required(root, "attempt_id", or: "") { reader, place in reader.identifier(place) }
    return (rollout, attempt)
  }

  /// `DequeueManyRolloutsRequest`.
  mutating func dequeue() -> (limit: Int64, worker: String?) {
    let root = JSONDocument.root
    guard isObject(root) else { return (1, nil) }
    let limit = optional(root, "limit") { reader, place in reader.integer(place) } ?? 1
    return (limit, worker())
  }
}
