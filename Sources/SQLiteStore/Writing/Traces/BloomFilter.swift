/// A set of 64-bit hashes that answers "surely not" or "maybe", with a bound on its memory.
///
/// A blocked Bloom filter: the bits of a hash lie in one block of 32 bytes, so that an answer costs one cache line. It grows
/// by generations, each twice as large as all before, because a filter cannot be enlarged without its hashes. At 12 bits
/// a hash fewer than 10 in 100 absent ones get a "maybe".
struct BloomFilter {
  /// Hashes that the first generation takes.
  private static let firstCapacity = 64 << 10
  private static let bitsPerHash = 12
  private static let wordsPerBlock = 4

  private struct Generation {
    var words: [UInt64]
    var count = 0
    let capacity: Int

    init(capacity: Int) {
      self.capacity = capacity
      let blocks = capacity * bitsPerHash / (64 * wordsPerBlock)
      words = [UInt64](repeating: 0, count: blocks * wordsPerBlock)
    }

    /// The first word of a hash's block.
    func block(of hash: UInt64) -> Int {
      let blocks = UInt64(words.count / wordsPerBlock)
      // The high half chooses the block, the low half the bits.
      return Int(((hash >> 32) &* blocks) >> 32) * wordsPerBlock
    }

    func contains(_ hash: UInt64) -> Bool {
      let block = block(of: hash)
      for index in 0..<wordsPerBlock where words[block + index] & BloomFilter.bit(index, of: hash) == 0 { return false }
      return true
    }

    mutating func insert(_ hash: UInt64) {
      let block = block(of: hash)
      for index in 0..<wordsPerBlock { words[block + index] |= BloomFilter.bit(index, of: hash) }
      count += 1
    }
  }

  private let maximumCount: Int
  private var generations: [Generation] = []

  /// - Parameter maximumCount: Hashes up to which the filter grows. More are taken, and make it answer "maybe" more often.
  init(maximumCount: Int) { self.maximumCount = maximumCount }

  /// Whether the hash may have been inserted.
  func mayContain(_ hash: UInt64) -> Bool {
    // The newest is the largest.
    for generation in generations.reversed() where generation.contains(hash) { return true }
    return false
  }

  mutating func insert(_ hash: UInt64) {
    if generations.last.map({ $0.count >= $0.capacity }) ?? true { grow() }
    generations[generations.count - 1].insert(hash)
  }

  private mutating func grow() {
    let capacity = generations.reduce(0) { $0 + $1.capacity }
    guard capacity < maximumCount || generations.isEmpty else { return }
    generations.append(Generation(capacity: max(capacity, Self.firstCapacity)))
  }

  @inline(__always)
  private static func bit(_ index: Int, of hash: UInt64) -> UInt64 {
    1 << (hash >> UInt64(6 * index) & 63)
  }
}
