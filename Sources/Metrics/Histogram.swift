internal import Synchronization

/// Counts values by size, in fixed buckets.
///
/// [Histogram](https://prometheus.io/docs/concepts/metric_types/#histogram). Any thread may observe, without locks: one
/// atomic addition and one compare-and-exchange each. A reader may see an observation in the buckets before it is part
/// of the sum.
@safe package final class Histogram: @unchecked Sendable {
  // Unchecked for `counts` alone: the pointer never changes and points to atomics.

  /// The upper bounds of the buckets, ascending; the bucket above the last is implied.
  package let bounds: [Double]
  private let counts: UnsafeMutablePointer<Atomic<UInt64>>
  /// The bits of a `Double`, which atomics do not know.
  private let sumBits = Atomic<UInt64>(0)

  init(bounds: [Double]) {
    precondition(!bounds.isEmpty && bounds.allSatisfy(\.isFinite), "a histogram has finite bounds")
    precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }, "the bounds of a histogram ascend")
    self.bounds = bounds
    unsafe counts = .allocate(capacity: bounds.count + 1)
    for index in 0...bounds.count { unsafe (counts + index).initialize(to: Atomic(0)) }
  }

  deinit {
    unsafe counts.deinitialize(count: bounds.count + 1)
    unsafe counts.deallocate()
  }

  /// Counts one value; what is not a number is ignored, as no bucket could hold it.
  package func observe(_ value: Double) {
    guard !value.isNaN else { return }
    unsafe counts[bucket(of: value)].wrappingAdd(1, ordering: .relaxed)
    var bits = sumBits.load(ordering: .relaxed)
    while true {
      let sum = Double(bitPattern: bits) + value
      let result = sumBits.weakCompareExchange(expected: bits, desired: sum.bitPattern, ordering: .relaxed)
      if result.exchanged { return }
      bits = result.original
    }
  }

  /// Counts a time, in seconds.
  package func observe(_ duration: Duration) { observe(duration / .seconds(1)) }

  /// The counts at one moment, not cumulative; the last is of what lies above all bounds.
  package var bucketCounts: [UInt64] {
    (0...bounds.count).map { unsafe counts[$0].load(ordering: .relaxed) }
  }

  /// The sum of all values.
  package var sum: Double { Double(bitPattern: sumBits.load(ordering: .relaxed)) }

  /// A bound belongs to its bucket: buckets are "less than or equal".
  private func bucket(of value: Double) -> Int {
    // A plain search: there are about a dozen bounds, and most values fall into the first few.
    bounds.firstIndex { value <= $0 } ?? bounds.count
  }
}

extension Histogram {
  /// Bounds in seconds for what takes between 100 microseconds and 10 seconds.
  package static let latencyBounds: [Double] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  ]

  /// Bounds in bytes for bodies and batches: the powers of 4 from 256 bytes to 64 MiB.
  package static let sizeBounds: [Double] = (4...13).map { Double(1 << (2 * $0)) }
}
