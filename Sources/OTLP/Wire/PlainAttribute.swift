import Protobuf

/// A `KeyValue` message in the form that nearly all have: a key, then a value, and nothing else.
///
/// Both writers of attributes look for it first, because it is found with few comparisons. Every message that has this
/// form means the same to ``KeyValueFields`` and ``AnyValueFields``.
package struct PlainAttribute: Sendable {
  package let key: Range<Int>
  /// The `AnyValue` message.
  package let value: Range<Int>
  /// The string, when the value is one and holds nothing else.
  package let text: Range<Int>?

  /// - Returns: `nil` for a message of any other form, or one that is malformed.
  /// - Precondition: `range` lies inside the span.
  @inline(__always)
  package init?(_ bytes: Span<UInt8>, at range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
    var position = range.lowerBound
    guard let key = Self.field(1, bytes, &position, range.upperBound),
      let value = Self.field(2, bytes, &position, range.upperBound), value.upperBound == range.upperBound
    else { return nil }
    self.key = key
    self.value = value
    position = value.lowerBound
    let text = Self.field(1, bytes, &position, range.upperBound)
    self.text = text?.upperBound == range.upperBound ? text : nil
  }

  /// Reads a length-delimited field whose length takes at most two bytes.
  ///
  /// - Precondition: `0 <= position`, `end <= bytes.count`.
  @inline(__always)
  private static func field(
    _ number: UInt32, _ bytes: Span<UInt8>, _ position: inout Int, _ end: Int
  ) -> Range<Int>? {
    // An empty field at the very end is left to the general readers.
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
