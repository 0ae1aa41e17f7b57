/// What retention has done.
package struct RetentionTally: Sendable, Equatable {
  /// Why spans were deleted.
  package enum Reason: String, CaseIterable, Sendable {
    case age, bytes, rollout, service
  }

  package var rollouts = 0
  package var spans = 0
  /// Deleted spans by reason.
  package var spansByReason: [Reason: Int] = [:]
  package var traces = 0
  /// Deleted spans that a forwarder had not delivered.
  package var undelivered = 0
  /// Spans that have lost their prompts and completions.
  package var stripped = 0
  /// Spans that were moved into other segments.
  package var moved = 0
  /// Bytes that went back to the file system.
  package var freedBytes = 0

  package init() {}

  package mutating func add(_ other: RetentionTally) {
    rollouts += other.rollouts
    spans += other.spans
    spansByReason.merge(other.spansByReason, uniquingKeysWith: +)
    traces += other.traces
    undelivered += other.undelivered
    stripped += other.stripped
    moved += other.moved
    freedBytes += other.freedBytes
  }
}
