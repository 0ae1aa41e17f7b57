import Telemetry

/// One call of a session that is complete: what was asked, what was answered, and what it was rewarded with.
struct Interaction: Sendable {
  /// The provider's id of the answer; the span's where it has none.
  var id: String
  var traceID: TraceID
  var spanID: SpanID
  var parentID: SpanID?
  var sequence: Int64
  /// What was asked, as places in a ``MessageBook``; empty unless messages were asked for.
  var messages: [Int] = []
  /// The choices of the answer, likewise.
  var outputs: [Int] = []
  /// `nil` when nobody has rewarded it.
  var reward: Double?

  init(id: String, traceID: TraceID, spanID: SpanID, parentID: SpanID?, sequence: Int64) {
    self.id = id
    self.traceID = traceID
    self.spanID = spanID
    self.parentID = parentID
    self.sequence = sequence
  }
}
