package import Telemetry

/// A stored span that has other tags than before.
package struct Retag: Hashable, Sendable {
  /// Its place among the changes of this process, from 1; given by ``RetagWatch``.
  package var number: Int64 = 0
  package var traceID: TraceID
  package var spanID: SpanID
  package var variant: Int64
  /// The arrival number of the span.
  package var arrival: Int64
  package var before: RolloutTag
  package var after: RolloutTag
  /// Its number in the rollout where it is now.
  package var sequence: Int64?

  package init(
    traceID: TraceID, spanID: SpanID, variant: Int64, arrival: Int64, before: RolloutTag, after: RolloutTag,
    sequence: Int64?
  ) {
    self.traceID = traceID
    self.spanID = spanID
    self.variant = variant
    self.arrival = arrival
    self.before = before
    self.after = after
    self.sequence = sequence
  }
}

/// What one transaction has changed.
package struct RetagBatch: Sendable {
  package var retags: [Retag]
  /// Changes before these that nobody can read, because they were too many, or nobody followed when they were made.
  package var dropped: Int64

  package init(_ retags: [Retag] = [], dropped: Int64 = 0) {
    self.retags = retags
    self.dropped = dropped
  }

  package var isEmpty: Bool { retags.isEmpty && dropped == 0 }
}

/// How far a subscriber has read.
///
/// As text it is `epoch-number`: the process by 16 hexadecimal digits, and the number of the last change that was read.
package struct RetagCursor: Hashable, Sendable, CustomStringConvertible {
  package var epoch: UInt64
  package var number: Int64

  package init(epoch: UInt64, number: Int64) {
    self.epoch = epoch
    self.number = number
  }

  /// - Returns: `nil` for what no cursor is written like.
  package init?(_ text: String) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, let epoch = UInt64(parts[0], radix: 16), let number = Int64(parts[1]), number >= 0 else {
      return nil
    }
    self.init(epoch: epoch, number: number)
    guard description == text else { return nil }
  }

  package var description: String {
    let digits = String(epoch, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits + "-\(number)"
  }
}
