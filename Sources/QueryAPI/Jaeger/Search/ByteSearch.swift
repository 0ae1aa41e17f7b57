/// Looks for texts in bytes, many at a time.
enum ByteSearch {
  private typealias Block = SIMD32<UInt8>

  /// Whether the text occurs in the bytes.
  ///
  /// Where both its first and its last byte are met at their distance, all of it is compared: that is rare in what spans hold.
  static func contains(_ bytes: Span<UInt8>, _ text: Span<UInt8>) -> Bool {
    guard !text.isEmpty else { return true }
    guard bytes.count >= text.count else { return false }
    let first = Block(repeating: text[0])
    let last = Block(repeating: text[text.count - 1])
    let distance = text.count - 1
    // The last place where the text can start.
    let end = bytes.count - text.count
    var place = 0
    return unsafe bytes.withUnsafeBytes { bytes in
      // A block of starts reads as far as the ends that belong to them.
      while place + distance + Block.scalarCount <= bytes.count {
        let starts = unsafe bytes.loadUnaligned(fromByteOffset: place, as: Block.self) .== first
        let ends = unsafe bytes.loadUnaligned(fromByteOffset: place + distance, as: Block.self) .== last
        let both = starts .& ends
        if any(both) {
          for offset in 0..<Block.scalarCount where both[offset] {
            if unsafe isEqual(bytes, at: place + offset, text) { return true }
          }
        }
        place += Block.scalarCount
      }
      while place <= end {
        if unsafe isEqual(bytes, at: place, text) { return true }
        place += 1
      }
      return false
    }
  }

  private static func isEqual(_ bytes: UnsafeRawBufferPointer, at place: Int, _ text: Span<UInt8>) -> Bool {
    for offset in 0..<text.count where unsafe bytes[place + offset] != text[offset] { return false }
    return true
  }
}
