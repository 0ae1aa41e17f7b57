import Threads

/// Input that was not stored, so that nothing refused is silent: counted by the metrics, listed here.
package struct Refusal: Sendable {
  /// Nanoseconds since 1970.
  package var time: Int64
  /// How it came in: `http`, `grpc`.
  package var transport: String
  /// The address of the sender.
  package var peer: String
  /// A word for the kind of fault, as in the metrics.
  package var reason: String
  /// What was wrong, without the contents.
  package var detail: String
  /// Spans that were refused; `nil` when the whole request was, and nobody knows how many it held.
  package var spans: Int?
  /// The rollouts that the request or its refused spans named, as far as that is known; at most ``mostRollouts``.
  package var rolloutIDs: [String]

  package static let mostRollouts = 4

  package init(
    time: Int64, transport: String, peer: String, reason: String, detail: String, spans: Int?,
    rolloutIDs: [String] = []
  ) {
    self.time = time
    self.transport = transport
    self.peer = peer
    self.reason = reason
    self.detail = detail
    self.spans = spans
    self.rolloutIDs = rolloutIDs
  }
}

/// The last refusals of this process, bounded; the metrics count all of them.
package final class RefusalLog: Sendable {
  package static let capacity = 1_000

  private let refusals = Locked<[Refusal]>([])

  package init() {}

  package func add(_ refusal: Refusal) {
    refusals.withLock { list in
      if list.count == Self.capacity { list.removeFirst(Self.capacity / 10) }
      list.append(refusal)
    }
  }

  /// The refusals, the newest first.
  package var newest: [Refusal] { refusals.withLock { $0.reversed() } }
}
