import SQLite
import Telemetry
import TraceStore

/// What a transaction changes of the tags of spans that were stored before it.
///
/// A span that changes more than once counts once, and not at all when it ends as it was: nobody sees what is between.
struct RetagCollection {
  /// The tags of a span, as far as queries show them.
  struct Tags: Hashable {
    var attempt: Int64
    var rule: TagRule
    var sequence: Int64?

    /// Whether all but the number is the same.
    func isLike(_ other: Tags) -> Bool { attempt == other.attempt && rule == other.rule }
  }

  struct Change {
    let span: SpanKey
    let traceID: TraceID
    let arrival: Int64
    let before: Tags
    var after: Tags
  }

  /// The last span that was stored before the transaction.
  private var lastArrival: Int64 = 0
  private var isFollowed = false
  private var changes: [Change] = []
  private var places: [SpanKey: Int] = [:]
  private var dropped: Int64 = 0

  /// Starts a transaction.
  ///
  /// - Parameter isFollowed: Whether somebody is to hear of its changes.
  mutating func begin(lastArrival: Int64, isFollowed: Bool) {
    self.lastArrival = lastArrival
    self.isFollowed = isFollowed
  }

  /// Whether a span was stored before the transaction.
  func isStored(_ arrival: Int64) -> Bool { arrival <= lastArrival }

  /// Whether the change of a span is to be added.
  ///
  /// It is not if the span came with this transaction, so that nobody has seen its tags.
  mutating func wants(arrival: Int64) -> Bool {
    guard arrival <= lastArrival else { return false }
    // Who begins to follow while the transaction runs has lost what it does not collect.
    if !isFollowed { dropped = 1 }
    return isFollowed
  }

  mutating func add(_ change: Change) {
    if let place = places[change.span] {
      changes[place].after = change.after
      return
    }
    if changes.count == RetagWatch.capacity {
      // Subscribers could not be shown them all.
      dropped += Int64(changes.count)
      clear()
    }
    places[change.span] = changes.count
    changes.append(change)
  }

  /// Takes what has changed.
  mutating func take() -> (changes: [Change], dropped: Int64) {
    defer {
      clear()
      dropped = 0
    }
    return (changes.filter { $0.before != $0.after }, dropped)
  }

  private mutating func clear() {
    if changes.isEmpty { return }
    changes.removeAll(keepingCapacity: true)
    places.removeAll(keepingCapacity: true)
  }
}

extension Attribution {
  /// Takes what the transaction has changed of stored spans, before the commit.
  func takeRetags() throws(SQLiteError) -> RetagBatch {
    let (changes, dropped) = retags.take()
    var batch = RetagBatch(dropped: dropped)
    guard let first = changes.first else { return batch }
    batch.retags.reserveCapacity(changes.count)
    // Neighbours mostly have the same tags.
    var (before, after) = (try tag(first.before), try tag(first.after))
    var last = first
    for change in changes {
      if !change.before.isLike(last.before) { before = try tag(change.before) }
      if !change.after.isLike(last.after) { after = try tag(change.after) }
      last = change
      batch.retags.append(
        Retag(
          traceID: change.traceID, spanID: SpanID(value: UInt64(bitPattern: change.span.spanID)),
          variant: change.span.variant, arrival: change.arrival, before: before,
          after: after, sequence: change.after.sequence))
    }
    return batch
  }

  private func tag(_ tags: RetagCollection.Tags) throws(SQLiteError) -> RolloutTag {
    var tag = try places.tag(of: tags.attempt)
    tag.rule = tags.rule
    return tag
  }
}
