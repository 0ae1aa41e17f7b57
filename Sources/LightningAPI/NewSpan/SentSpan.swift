import JSON

/// A span that came as JSON and was found to follow Agent Lightning's model.
///
/// AGL store contract, section 4.
struct SentSpan {
  let document: JSONDocument
  var rolloutID = ""
  var attemptID = ""
  var sequence: Int64 = 0
  var traceID = ""
  var spanID = ""
  var parentID: String?
  /// The places of its members.
  var members: ModelMembers
  /// All of it after `sequence_id` as it is answered, without the braces.
  var answer: [UInt8] = []

  /// The members of the model, in its order.
  static let names: [StaticString] = [
    "rollout_id", "attempt_id", "sequence_id", "trace_id", "span_id", "parent_id", "name", "status", "attributes",
    "events", "links", "start_time", "end_time", "context", "parent", "resource",
  ]

  /// Where a member stands in ``names``.
  enum Member {
    static let rolloutID = 0
    static let attemptID = 1
    static let sequence = 2
    static let traceID = 3
    static let spanID = 4
    static let parentID = 5
    static let name = 6
    static let status = 7
    static let attributes = 8
    static let events = 9
    static let links = 10
    static let startTime = 11
    static let endTime = 12
    static let context = 13
    static let parent = 14
    static let resource = 15
  }

  /// The place of a member; all of them are there.
  func place(_ member: Int) -> Int { members.values[member] }
}
