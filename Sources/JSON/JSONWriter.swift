/// Appends JSON to a growing buffer.
///
/// Commas come by themselves: a value that does not directly follow an opening bracket or a key is preceded by one. The
/// last byte of the buffer tells, because no value ends with `{`, `[` or `:`.
///
/// ```swift
/// var writer = JSONWriter()
/// writer.beginObject()
/// writer.key("items")
/// writer.beginArray()
/// writer.integer(1)
/// writer.endArray()
/// writer.endObject()  // {"items":[1]}
/// ```
@frozen public struct JSONWriter: Sendable {
  /// What was written so far.
  public var bytes: [UInt8]

  @inlinable public init(reservingCapacity capacity: Int = 0) {
    bytes = []
    bytes.reserveCapacity(capacity)
  }

  /// Opens an object.
  @inlinable public mutating func beginObject() {
    separate()
    bytes.append(UInt8(ascii: "{"))
  }

  /// Closes the object that was opened last.
  @inlinable public mutating func endObject() { bytes.append(UInt8(ascii: "}")) }

  /// Opens an array.
  @inlinable public mutating func beginArray() {
    separate()
    bytes.append(UInt8(ascii: "["))
  }

  /// Closes the array that was opened last.
  @inlinable public mutating func endArray() { bytes.append(UInt8(ascii: "]")) }

  /// Writes the key of the next member.
  ///
  /// - Parameter name: Written as it is, so it may hold nothing that JSON must escape.
  @inlinable public mutating func key(_ name: StaticString) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    append(name)
    append("\":")
  }

  /// Writes `null`.
  @inlinable public mutating func null() {
    separate()
    append("null")
  }

  /// Writes `true` or `false`.
  @inlinable public mutating func bool(_ value: Bool) {
    separate()
    append(value ? "true" : "false")
  }

  /// Writes a value that is JSON already.
  @inlinable public mutating func json(_ text: Span<UInt8>) {
    separate()
    unsafe text.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
  }

  /// Writes several tokens that are known beforehand, such as `{"key":`.
  ///
  /// - Parameter text: Starts with a value or a key; a comma is written before it where one is due.
  @inlinable public mutating func tokens(_ text: StaticString) {
    separate()
    append(text)
  }

  /// Writes the rest of tokens that were begun, such as `}}`: no comma is written before it.
  @inlinable public mutating func continuation(_ text: StaticString) { append(text) }

  /// Writes the comma that is due before a value or a key.
  @inlinable @inline(__always)
  mutating func separate() {
    switch bytes.last {
    case nil, UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: ":"): break
    default: bytes.append(UInt8(ascii: ","))
    }
  }

  @inlinable @inline(__always)
  mutating func append(_ text: StaticString) {
    // A string literal lives as long as the program.
    unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }
}
