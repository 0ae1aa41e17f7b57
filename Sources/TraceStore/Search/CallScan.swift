/// Counts which services call which: spans whose parent is of another service.
///
/// It goes from trace to trace, in steps.
package struct CallScan: Sendable {
  package struct Call: Hashable, Sendable {
    /// `nil` for spans whose resource names no service.
    package var parent: String?
    package var child: String?

    package init(parent: String?, child: String?) {
      self.parent = parent
      self.child = child
    }
  }

  /// When the called spans start; nanoseconds since 1970.
  package let starts: ClosedRange<UInt64>
  /// The position of the last trace that was counted.
  package var lastTrace: Int64 = 0
  package var isFinished = false
  package var counts: [Call: Int64] = [:]

  package init(starts: ClosedRange<UInt64>) { self.starts = starts }
}
