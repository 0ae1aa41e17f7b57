/// A search through the log, from the segment that came last to the one that came first, in steps.
///
/// Each step sees the store as it is then. What arrives after the first step is not looked for; what was there is met
/// once, also when it is moved to another segment meanwhile, unless that one lies where the search has been.
package struct LogScan: Sendable {
  /// Where the next step begins.
  package enum Place: Hashable, Sendable {
    /// In the segment that is still open.
    case open
    /// At the segment before this one, in the order of the last arrivals.
    case before(arrival: Int64, segment: Int64)
    /// Everything was looked at, or the filter has had enough.
    case end
  }

  /// Segments without a span that starts in this time are passed over; nanoseconds since 1970.
  package let starts: ClosedRange<UInt64>
  package var place = Place.open
  /// Bytes that were looked through.
  package var byteCount = 0

  package init(starts: ClosedRange<UInt64>) { self.starts = starts }

  package var isFinished: Bool { place == .end }
}
