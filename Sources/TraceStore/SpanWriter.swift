package import Telemetry

/// Takes spans into the store.
package protocol SpanWriter: Sendable {
  /// Stores a batch, a large one in several transactions.
  ///
  /// Returns after the last of them has committed, and with durability `power` has been synced: a
  /// query that starts afterwards sees the spans, and no crash loses them. When it throws, part
  /// of the batch may be stored, and sending it again is harmless.
  func append(_ batch: SpanBatch) async throws(StoreError) -> AppendReceipt
}

/// What became of the spans of a batch.
package struct AppendReceipt: Hashable, Sendable {
  /// New spans.
  package var stored: Int
  /// Of these, spans that came under the ids of another, different span.
  package var variants: Int
  /// Spans that were there before with the same contents.
  package var duplicates: Int

  package init(stored: Int = 0, variants: Int = 0, duplicates: Int = 0) {
    self.stored = stored
    self.variants = variants
    self.duplicates = duplicates
  }

  /// Counts what became of other spans too.
  package mutating func add(_ other: AppendReceipt) {
    stored += other.stored
    variants += other.variants
    duplicates += other.duplicates
  }
}
