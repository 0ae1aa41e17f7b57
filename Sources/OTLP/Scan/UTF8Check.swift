/// Whether the bytes at `range` are valid UTF-8.
///
/// Almost all strings of spans are ASCII, so eight bytes are looked at at once until one is not; the last eight may
/// overlap the ones before.
///
/// - Precondition: `range` lies inside the span.
@inline(__always)
func isValidUTF8(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
  var position = range.lowerBound
  let end = range.upperBound
  guard end &- position >= 8 else {
    // Where the buffer goes on behind the string, one load is enough; what does not belong to it is shifted out.
    guard bytes.count &- position >= 8, position != end else { return isShortUTF8(bytes, range) }
    let word = UInt64(littleEndian: unsafe bytes.bytes.unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self))
    let own = word &<< UInt64(truncatingIfNeeded: 64 &- 8 &* (end &- position))
    return own & highBits == 0 || isValidUnicode(bytes, range)
  }
  while end &- position >= 32 {
    let words = unsafe bytes.bytes.unsafeLoadUnaligned(fromByteOffset: position, as: SIMD4<UInt64>.self)
    guard words & SIMD4(repeating: highBits) == .zero else { return isValidUnicode(bytes, position..<end) }
    position &+= 32
  }
  while end &- position >= 8 {
    let word = unsafe bytes.bytes.unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self)
    guard word & highBits == 0 else { return isValidUnicode(bytes, position..<end) }
    position &+= 8
  }
  // All before `position` is ASCII, so that a character of several bytes can only start there.
  let last = unsafe bytes.bytes.unsafeLoadUnaligned(fromByteOffset: end &- 8, as: UInt64.self)
  return last & highBits == 0 || isValidUnicode(bytes, position..<end)
}

@inline(__always) private var highBits: UInt64 { 0x8080_8080_8080_8080 }

@inline(never)
private func isShortUTF8(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
  range.allSatisfy { bytes[$0] < 0x80 } || isValidUnicode(bytes, range)
}

@inline(never)
private func isValidUnicode(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
  (try? UTF8Span(validating: bytes.extracting(range))) != nil
}
