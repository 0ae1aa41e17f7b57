/// SplitMix64: the same numbers in every run.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var result = state
    result = (result ^ result >> 30) &* 0xBF58_476D_1CE4_E5B9
    result = (result ^ result >> 27) &* 0x94D0_49BB_1331_11EB
    return result ^ result >> 31
  }

  /// Bytes that are mostly text, with everything that text can contain and some that it cannot.
  mutating func text(maximumCount: Int) -> [UInt8] {
    var result: [UInt8] = []
    let pieces = Int.random(in: 0...maximumCount / 4, using: &self)
    for _ in 0..<pieces {
      switch Int.random(in: 0..<8, using: &self) {
      case 0: result.append(UInt8.random(in: .min ... .max, using: &self))
      case 1: result.append(UInt8.random(in: 0x80...0xFF, using: &self))
      case 2: result.append(UInt8.random(in: 0..<0x20, using: &self))
      case 3: result += Array("\"\\/".utf8)
      case 4: result += Array("é世😀".utf8)
      default: result += Array("abcdefghij".utf8.prefix(Int.random(in: 0...10, using: &self)))
      }
    }
    return result
  }
}
