/// Appends protobuf fields to a growing buffer.
///
/// A nested message is opened with ``beginMessage(_:)`` and closed with ``endMessage(_:)``. Its length takes one byte
/// until it is known; a longer length moves the message up by the bytes that are missing.
public struct ProtobufWriter: Sendable {
  /// What was written so far.
  public var bytes: [UInt8]

  /// An open nested message.
  public struct Mark: Sendable {
    @usableFromInline let start: Int
    @usableFromInline init(start: Int) { self.start = start }
  }

  @inlinable public init(reservingCapacity capacity: Int = 0) {
    bytes = []
    bytes.reserveCapacity(capacity)
  }

  @inlinable public mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  @inlinable public mutating func tag(_ tag: ProtobufTag) { varint(UInt64(tag.rawValue)) }

  @inlinable public mutating func varintField(_ field: UInt32, _ value: UInt64) {
    tag(.varint(field))
    varint(value)
  }

  @inlinable public mutating func fixed64Field(_ field: UInt32, _ value: UInt64) {
    tag(.fixed64(field))
    for shift in stride(from: UInt64(0), to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
  }

  @inlinable public mutating func fixed32Field(_ field: UInt32, _ value: UInt32) {
    tag(.fixed32(field))
    for shift in stride(from: UInt32(0), to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
  }

  @inlinable public mutating func bytesField(_ field: UInt32, _ value: Span<UInt8>) {
    tag(.lengthDelimited(field))
    varint(UInt64(value.count))
    append(value)
  }

  @inlinable public mutating func stringField(_ field: UInt32, _ value: String) {
    var value = value
    value.withUTF8 { bytes in bytesField(field, unsafe bytes.span) }
  }

  /// Appends bytes as they are, for example fields that were encoded elsewhere.
  @inlinable public mutating func append(_ value: Span<UInt8>) {
    unsafe value.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
  }

  @inlinable public mutating func beginMessage(_ field: UInt32) -> Mark {
    tag(.lengthDelimited(field))
    bytes.append(0)
    return Mark(start: bytes.count)
  }

  @inlinable public mutating func endMessage(_ mark: Mark) {
    let length = bytes.count - mark.start
    if length < 0x80 {
      bytes[mark.start - 1] = UInt8(length)
      return
    }
    var encoded = ProtobufWriter()
    encoded.varint(UInt64(length))
    bytes.replaceSubrange(mark.start - 1..<mark.start, with: encoded.bytes)
  }

  /// The number of bytes that ``varint(_:)`` writes for a value.
  @inlinable public static func varintSize(_ value: UInt64) -> Int {
    max(1, (70 - value.leadingZeroBitCount) / 7)
  }
}
