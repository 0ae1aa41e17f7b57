/// The tags that a stored span is to get.
struct TagChange {
  var code: RuleCode
  var tag: TagResolver.Resolved
  /// What is written of the span: its rules, its row in `attempts`, and its number.
  var storedCode: RuleCode
  var storedAttempt: Int64
  var storedSequence: Int64?
  var arrival: Int64
}
