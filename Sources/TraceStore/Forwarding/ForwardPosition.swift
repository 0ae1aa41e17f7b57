/// How far a target has got in the log, in arrival numbers.
///
/// Segments are walked in the order of their last arrival. Those that were written while the target was active are in
/// order and do not overlap, because retention leaves alone what lies ahead of it. Those that are older may have been
/// rewritten before: their spans are in no order, and `floor` tells which of them are done.
package struct ForwardPosition: Hashable, Sendable {
  /// Segments up to this arrival number are done; behind ``ordered``, so are all spans up to it.
  package var cursor: Int64
  /// Spans up to this arrival number were done when the target became active.
  package var floor: Int64
  /// The last arrival when the target became active: segments behind it are in order.
  package var ordered: Int64

  package init(cursor: Int64, floor: Int64, ordered: Int64) {
    self.cursor = cursor
    self.floor = floor
    self.ordered = ordered
  }

  /// Whether all that is ahead is in order.
  package var isInOrder: Bool { cursor >= ordered }
}

/// What has become of the spans of a target.
package struct ForwardCounts: Hashable, Sendable {
  /// Delivered, each counted once.
  package var sent: Int64 = 0
  /// Given up, because the target refuses them for good.
  package var refused: Int64 = 0
  /// Not wanted by the target's filter.
  package var filtered: Int64 = 0
  /// Deleted before they were delivered.
  package var gone: Int64 = 0
  /// Delivered again, because they were tagged anew.
  package var resent: Int64 = 0

  package init() {}

  package static func += (first: inout ForwardCounts, second: ForwardCounts) {
    first.sent += second.sent
    first.refused += second.refused
    first.filtered += second.filtered
    first.gone += second.gone
    first.resent += second.resent
  }
}
