/// The number and the wire type of a field, as they stand before it on the wire.
@frozen public struct ProtobufTag: RawRepresentable, Hashable, Sendable {
  /// How the value of a field is encoded.
  @frozen public enum WireType: UInt32, Sendable {
    case varint = 0
    case fixed64 = 1
    case lengthDelimited = 2
    case startGroup = 3
    case endGroup = 4
    case fixed32 = 5
  }

  public let rawValue: UInt32

  /// Takes a tag that `ProtobufReader.nextTag` has checked.
  @inlinable @inline(__always)
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  @inlinable @inline(__always)
  public init(_ field: UInt32, _ wireType: WireType) { rawValue = field << 3 | wireType.rawValue }

  @inlinable @inline(__always)
  public var field: UInt32 { rawValue >> 3 }

  /// The wire type.
  ///
  /// A tag that did not come from a reader may hold a number that is none.
  @inlinable @inline(__always)
  public var wireType: WireType { WireType(rawValue: rawValue & 7) ?? .endGroup }

  @inlinable @inline(__always)
  public static func varint(_ field: UInt32) -> ProtobufTag { ProtobufTag(field, .varint) }
  @inlinable @inline(__always)
  public static func fixed64(_ field: UInt32) -> ProtobufTag { ProtobufTag(field, .fixed64) }
  @inlinable @inline(__always)
  public static func lengthDelimited(_ field: UInt32) -> ProtobufTag { ProtobufTag(field, .lengthDelimited) }
  @inlinable @inline(__always)
  public static func fixed32(_ field: UInt32) -> ProtobufTag { ProtobufTag(field, .fixed32) }
}
