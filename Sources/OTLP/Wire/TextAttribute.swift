import Protobuf

/// A `KeyValue` message in the form that nearly all have: a key, then a value that is a string, and nothing else.
///
/// Both readers of attributes look for it first, because it is found with few comparisons. Every message that has this
/// form means the same to ``KeyValueFields`` and ``AnyValueFields``.
package struct TextAttribute: Sendable {
  package let key: Range<Int>
  package let text: Range<Int>

  /// - Returns: `nil` for a message of any other form, or one that is malformed.
  /// - Precondition: `range` lies inside the span.
  @inline(__always)
  package init?(_ bytes: Span<UInt8>, at range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
    var position = range.lowerBound
    guard let key = Self.field(1, bytes, &position, range.upperBound),
      let value = Self.field(2, bytes, &position, range.upperBound), value.upperBound == range.upperBound
    else { return nil }
    position = value.lowerBound
    guard let text = Self.field(1, bytes, &position, range.upperBound), text.upperBound == range.upperBound else {
      return nil
    }
    self.key = key
    self.text = text
  }

  /// Reads a length-delimited field whose length takes at most two bytes.
  ///
  /// - Precondition: `0 <= position`, `end <= bytes.count`.
  @inline(__always)
  private static func field(
    _ number: UInt32, _ bytes: Span<UInt8>, _ position: inout Int, _ end: Int
  ) -> Range<Int>? {
    // A field of an empty value would not reach this far; it is left to the general readers.
    guard end &- position >= 3,
      unsafe bytes[unchecked: position] == UInt8(truncatingIfNeeded: ProtobufTag.lengthDelimited(number).rawValue)
    else { return nil }
    var length = Int(unsafe bytes[unchecked: position &+ 1])
    position &+= 2
    if length >= 0x80 {
      let second = Int(unsafe bytes[unchecked: position])
      guard second < 0x80 else { return nil }
      length = length & 0x7F | second &<< 7
      position &+= 1
    }
    guard length <= end &- position else { return nil }
    let start = position
    position &+= length
    return unsafe Range(uncheckedBounds: (start, position))
  }
}
