/// What is kept of a target.
package struct ForwarderRecord: Hashable, Sendable {
  package var id: Int64
  package var name: String
  /// Whether it is configured: retention waits for it.
  package var isActive: Bool
  package var position: ForwardPosition
  /// What became of its spans since it was first configured.
  package var counts: ForwardCounts

  package init(id: Int64, name: String, isActive: Bool, position: ForwardPosition, counts: ForwardCounts) {
    self.id = id
    self.name = name
    self.isActive = isActive
    self.position = position
    self.counts = counts
  }
}

/// What the store has to know of a target.
package struct NewForwarder: Hashable, Sendable {
  package var name: String
  /// Whether a target that is new gets what is stored already.
  package var startsAtOldest: Bool
  /// Whether spans that are tagged anew are to be sent again.
  package var resendsRetagged: Bool

  package init(name: String, startsAtOldest: Bool, resendsRetagged: Bool) {
    self.name = name
    self.startsAtOldest = startsAtOldest
    self.resendsRetagged = resendsRetagged
  }
}

/// A step of a target that is to be kept.
package struct ForwardStep: Hashable, Sendable {
  /// What it does to the outbox.
  package enum Outbox: Hashable, Sendable {
    case nothing
    /// Entries up to a number were seen when spans behind `after` were read: these were sent as they say.
    case reflected(upTo: Int64, after: Int64)
    /// Entries up to a number were sent, of spans up to the cursor.
    case sent(upTo: Int64)
  }

  package var cursor: Int64
  /// What was done since the last step.
  package var counts: ForwardCounts
  package var outbox: Outbox

  package init(cursor: Int64, counts: ForwardCounts, outbox: Outbox = .nothing) {
    self.cursor = cursor
    self.counts = counts
    self.outbox = outbox
  }
}

/// Keeps how far targets have got; the stored spans are their queue.
package protocol ForwardStore: ForwardReader {
  /// Makes these targets the active ones; those that were active before keep their place, and nobody waits for them.
  ///
  /// - Returns: All targets that are known.
  func activate(_ targets: [NewForwarder]) async throws(StoreError) -> [ForwarderRecord]

  /// Keeps a step, in the next transaction.
  func advance(_ forwarder: Int64, _ step: ForwardStep) async throws(StoreError)

  /// The number of the last span that was stored.
  var arrivals: ArrivalCount { get }
}
