/// The tags that a stored span is to get.
struct TagChange {
  var code: RuleCode
  var tag: TagResolver.Resolved
  /// What is written of the span: its rules, its row in `attempts`, and its number.
  var storedCode: RuleCode
  var storedAttempt: Int64
  var storedSequence: Int64?
  var arrival: Int64

  /// Whether the span came so many spans after another one, gets the same tags, and its number is as far away.
  func isNext(_ distance: Int64, after first: TagChange) -> Bool {
    code == first.code && tag.rows == first.tag.rows && arrival == first.arrival + distance
      && storedSequence == first.storedSequence.map { $0 &+ distance }
  }
}
