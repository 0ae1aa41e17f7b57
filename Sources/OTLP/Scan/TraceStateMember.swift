/// Our member of a span's trace state: `agl=r:<rollout>;a:<attempt>`.
///
/// Each part may be missing, the ids are percent-encoded. A member that is anything else says nothing, and an empty id
/// is none.
///
/// [Trace context, tracestate](https://www.w3.org/TR/trace-context/#tracestate-header)
struct TraceStateMember {
  private(set) var rolloutID: String?
  private(set) var attemptID: String?

  /// Finds the value of the first member with our key, without the whitespace around the member.
  ///
  /// The other members are not checked: whatever they are, ours is what it is.
  static func find(_ bytes: Span<UInt8>, in traceState: Range<Int>) -> Range<Int>? {
    var start = traceState.lowerBound
    while start < traceState.upperBound {
      let end = bytes.firstIndex(of: UInt8(ascii: ","), in: start..<traceState.upperBound)
      let member = bytes.withoutWhitespace(start..<end)
      if member.count >= key.utf8CodeUnitCount {
        let value = member.lowerBound + key.utf8CodeUnitCount
        if bytes.equals(key, at: member.lowerBound..<value) { return value..<member.upperBound }
      }
      start = end + 1
    }
    return nil
  }

  private static var key: StaticString { "agl=" }

  /// Reads the value of the member.
  ///
  /// - Returns: `nil` when it is malformed.
  init?(_ bytes: Span<UInt8>, _ value: Range<Int>) {
    var hasRollout = false
    var hasAttempt = false
    var start = value.lowerBound
    while start <= value.upperBound {
      let end = bytes.firstIndex(of: UInt8(ascii: ";"), in: start..<value.upperBound)
      guard end - start >= 2, let id = Self.decode(bytes, start + 2..<end) else { return nil }
      if !hasRollout, bytes.equals("r:", at: start..<start + 2) {
        hasRollout = true
        rolloutID = id.isEmpty ? nil : id
      } else if !hasAttempt, bytes.equals("a:", at: start..<start + 2) {
        hasAttempt = true
        attemptID = id.isEmpty ? nil : id
      } else {
        return nil
      }
      start = end + 1
    }
  }

  /// Decodes an id.
  ///
  /// - Returns: `nil` for what no value of a trace state may hold, for a percent sign without two digits, and for what
  ///   is not UTF-8.
  private static func decode(_ bytes: Span<UInt8>, _ range: Range<Int>) -> String? {
    var decoded: [UInt8] = []
    decoded.reserveCapacity(range.count)
    var position = range.lowerBound
    while position < range.upperBound {
      var byte = bytes[position]
      guard 0x20...0x7E ~= byte, byte != UInt8(ascii: "=") else { return nil }
      if byte == UInt8(ascii: "%") {
        guard range.upperBound - position > 2, let high = hexDigit(bytes[position + 1]),
          let low = hexDigit(bytes[position + 2])
        else { return nil }
        byte = high << 4 | low
        position += 2
      }
      decoded.append(byte)
      position += 1
    }
    return String(validating: decoded, as: UTF8.self)
  }

  private static func hexDigit(_ byte: UInt8) -> UInt8? {
    Character(UnicodeScalar(byte)).hexDigitValue.map(UInt8.init)
  }
}

extension Span where Element == UInt8 {
  /// Where a byte stands first; the end of the range when it does not occur.
  fileprivate func firstIndex(of byte: UInt8, in range: Range<Int>) -> Int {
    range.first { self[$0] == byte } ?? range.upperBound
  }

  /// The range without the spaces and tabs at both ends.
  fileprivate func withoutWhitespace(_ range: Range<Int>) -> Range<Int> {
    func isWhitespace(_ index: Int) -> Bool { self[index] == UInt8(ascii: " ") || self[index] == UInt8(ascii: "\t") }
    var (start, end) = (range.lowerBound, range.upperBound)
    while start < end, isWhitespace(start) { start += 1 }
    while start < end, isWhitespace(end - 1) { end -= 1 }
    return start..<end
  }
}
