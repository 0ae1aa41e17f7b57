/// Reads the fields of one protobuf message from a span, without copies and without allocation.
///
/// A nested message is read by another reader over the same span with narrower bounds, so offsets always mean
/// offsets in the whole buffer. After a method has thrown, the reader's position means nothing.
///
/// ```swift
/// var reader = ProtobufReader(bytes)
/// while let tag = try reader.nextTag() {
///   switch tag {
///   case .lengthDelimited(1): let range = try reader.lengthDelimited()
///   default: try reader.skip(tag)
///   }
/// }
/// ```
@frozen public struct ProtobufReader: ~Escapable {
  /// The whole buffer; `position` and `end` are offsets into it.
  public let bytes: Span<UInt8>
  /// Where the next field starts.
  public var position: Int
  /// Where the message ends.
  public let end: Int

  /// Starts a message that fills the whole span.
  @inlinable @inline(__always)
  @_lifetime(copy bytes)
  public init(_ bytes: Span<UInt8>) {
    self.bytes = bytes
    self.position = 0
    self.end = bytes.count
  }

  /// Starts a message that lies at `range` of the span.
  ///
  /// - Precondition: `range` lies inside the span; every later read relies on it.
  @inlinable @inline(__always)
  @_lifetime(copy bytes)
  public init(_ bytes: Span<UInt8>, at range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
    self.bytes = bytes
    self.position = range.lowerBound
    self.end = range.upperBound
  }

  /// Reads the tag of the next field.
  ///
  /// - Returns: `nil` at the end of the message.
  @inlinable @inline(__always)
  @_lifetime(self: copy self)
  public mutating func nextTag() throws(ProtobufError) -> ProtobufTag? {
    guard position < end else { return nil }
    let raw = try varint()
    // Field numbers have 29 bits; 0 is not one. Wire types 6 and 7 do not exist.
    guard raw >= 8, raw <= 0xFFFF_FFFF, raw & 7 < 6 else { throw .malformedTag }
    return ProtobufTag(rawValue: UInt32(truncatingIfNeeded: raw))
  }

  /// Reads a base-128 varint.
  @inlinable @inline(__always)
  @_lifetime(self: copy self)
  public mutating func varint() throws(ProtobufError) -> UInt64 {
    guard position < end else { throw .truncated }
    // The initializer checked that the message lies inside the span.
    let first = unsafe bytes[unchecked: position]
    if first < 0x80 {
      position &+= 1
      return UInt64(first)
    }
    return try longVarint()
  }

  @inlinable @inline(never)
  @_lifetime(self: copy self)
  mutating func longVarint() throws(ProtobufError) -> UInt64 {
    var result: UInt64 = 0
    var shift: UInt64 = 0
    while position < end {
      let byte = unsafe bytes[unchecked: position]
      position &+= 1
      // The tenth byte holds the one bit that is left.
      if shift == 63 && byte > 1 { throw .malformedVarint }
      result |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return result }
      shift &+= 7
    }
    throw .truncated
  }

  /// Reads the length of a length-delimited field and steps over its payload.
  ///
  /// - Returns: Where the payload lies in the buffer.
  @inlinable @inline(__always)
  @_lifetime(self: copy self)
  public mutating func lengthDelimited() throws(ProtobufError) -> Range<Int> {
    let length = try varint()
    guard length <= UInt64(truncatingIfNeeded: end &- position) else { throw .truncated }
    let start = position
    position = start &+ Int(truncatingIfNeeded: length)
    return unsafe Range(uncheckedBounds: (start, position))
  }

  /// Reads eight little-endian bytes.
  @inlinable @inline(__always)
  @_lifetime(self: copy self)
  public mutating func fixed64() throws(ProtobufError) -> UInt64 {
    guard end &- position >= 8 else { throw .truncated }
    let value = unsafe bytes.bytes.unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self)
    position &+= 8
    return UInt64(littleEndian: value)
  }

  /// Reads four little-endian bytes.
  @inlinable @inline(__always)
  @_lifetime(self: copy self)
  public mutating func fixed32() throws(ProtobufError) -> UInt32 {
    guard end &- position >= 4 else { throw .truncated }
    let value = unsafe bytes.bytes.unsafeLoadUnaligned(fromByteOffset: position, as: UInt32.self)
    position &+= 4
    return UInt32(littleEndian: value)
  }

  /// Steps over a field whose tag was read and whose value is not wanted.
  ///
  /// Groups are skipped when they are balanced.
  @inlinable
  @_lifetime(self: copy self)
  public mutating func skip(_ tag: ProtobufTag) throws(ProtobufError) {
    switch tag.wireType {
    case .varint: _ = try varint()
    case .fixed64: _ = try fixed64()
    case .lengthDelimited: _ = try lengthDelimited()
    case .startGroup: try skipGroup(tag.field)
    case .endGroup: throw .unbalancedGroup
    case .fixed32: _ = try fixed32()
    }
  }

  /// Groups nested deeper than this are refused; nothing that sends OTLP uses groups at all.
  @inlinable static var maximumGroupDepth: Int { 100 }

  @inlinable @inline(never)
  @_lifetime(self: copy self)
  mutating func skipGroup(_ field: UInt32) throws(ProtobufError) {
    var open = [field]
    while !open.isEmpty {
      guard let tag = try nextTag() else { throw .unbalancedGroup }
      switch tag.wireType {
      case .startGroup:
        guard open.count < Self.maximumGroupDepth else { throw .tooDeep }
        open.append(tag.field)
      case .endGroup:
        guard open.removeLast() == tag.field else { throw .unbalancedGroup }
      default: try skip(tag)
      }
    }
  }
}
