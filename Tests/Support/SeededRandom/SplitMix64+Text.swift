extension SplitMix64 {
  /// Bytes that are mostly text, with everything that text can contain and some that it cannot.
  package mutating func text(maximumCount: Int) -> [UInt8] {
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
