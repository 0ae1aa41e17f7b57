/// The registrations of one session in the order of their starts, in blocks of neighbours: where to look for one that holds a
/// time.
///
/// Of a block it has the latest end alone, so that a session of a million registrations takes a few hundred kilobytes. An end
/// may be later than any registration of its block has, never earlier.
struct RegistrationBlocks {
  /// A registration as far as it counts here.
  struct Time {
    var from: UInt64
    /// `nil` = no end.
    var to: UInt64?

    /// Whether it holds a time that is not before its start.
    func holds(_ time: UInt64) -> Bool { to.map { time < $0 } ?? true }
  }

  private struct Block {
    /// No registration of the block starts before.
    var first: UInt64
    /// Of the registration with the latest end.
    var last: Time
    var count: Int
  }

  /// Registrations of a block when it is made; it is made anew at twice as many.
  static let size = 64

  private var blocks: [Block] = []

  /// - Parameter times: In the order of their starts.
  init(_ times: [Time]) { blocks = Self.blocks(of: times) }

  var count: Int { blocks.count }

  /// Finds registrations of which one may hold a time.
  ///
  /// - Parameter end: Only those that start before it; `nil` = all that start in time.
  /// - Returns: Their starts; the next ones end where these begin.
  func starts(mayHolding time: UInt64, before end: UInt64? = nil) -> ClosedRange<UInt64>? {
    guard end != 0 else { return nil }
    let latest = min(time, end.map { $0 - 1 } ?? .max)
    var index = index(of: latest)
    while index >= 0 {
      if blocks[index].last.holds(time) { return range(index).clamped(to: 0...latest) }
      index -= 1
    }
    return nil
  }

  /// Notes a registration that is new.
  ///
  /// - Returns: The starts of a block that is to be made anew, because it has grown too large.
  mutating func add(_ time: Time) -> ClosedRange<UInt64>? {
    guard !blocks.isEmpty else {
      blocks = Self.blocks(of: [time])
      return nil
    }
    let index = max(0, index(of: time.from))
    blocks[index].first = min(blocks[index].first, time.from)
    blocks[index].count += 1
    blocks[index].last = Self.later(blocks[index].last, time)
    return blocks[index].count < 2 * Self.size ? nil : range(index)
  }

  /// The starts of the block that has a start, or would have it.
  func starts(around start: UInt64) -> ClosedRange<UInt64> {
    blocks.isEmpty ? 0...(.max) : range(max(0, index(of: start)))
  }

  /// Makes a block anew.
  ///
  /// - Parameters:
  ///   - starts: What ``starts(around:)`` or ``add(_:)`` has returned.
  ///   - times: The registrations that start there, in their order.
  mutating func replace(_ starts: ClosedRange<UInt64>, by times: [Time]) {
    var new = Self.blocks(of: times)
    // It goes on to be responsible for all of its starts.
    if !new.isEmpty { new[0].first = starts.lowerBound }
    guard !blocks.isEmpty else { return blocks = new }
    let index = max(0, index(of: starts.lowerBound))
    blocks.replaceSubrange(index...index, with: new)
  }

  private static func blocks(of times: [Time]) -> [Block] {
    stride(from: 0, to: times.count, by: size).map { start in
      let block = times[start..<min(start + size, times.count)]
      return Block(first: block[start].from, last: block.reduce(block[start], later), count: block.count)
    }
  }

  private static func later(_ first: Time, _ second: Time) -> Time {
    guard let one = first.to, let other = second.to else { return first.to == nil ? first : second }
    return one < other ? second : first
  }

  private func range(_ index: Int) -> ClosedRange<UInt64> {
    let start = index == 0 ? 0 : blocks[index].first
    return start...(index + 1 < blocks.count ? blocks[index + 1].first - 1 : .max)
  }

  /// The last block that begins at or before a start; -1 when all begin later.
  private func index(of start: UInt64) -> Int {
    var (low, high) = (0, blocks.count)
    while low < high {
      let middle = (low + high) / 2
      if blocks[middle].first <= start { low = middle + 1 } else { high = middle }
    }
    return low - 1
  }
}
