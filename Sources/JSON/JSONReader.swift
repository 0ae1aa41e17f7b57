/// Reads one JSON document from a span, value by value, without a tree and without copies.
///
/// Strict [RFC 8259](https://www.rfc-editor.org/rfc/rfc8259): no comments, no trailing commas, no `NaN`, nothing after
/// the document. Text that is not well-formed Unicode (bytes or `\u` escapes) is accepted and read as U+FFFD.
///
/// The caller drives: it asks for the ``nextKind()``, then calls the method of that kind. Each value must be consumed,
/// with ``skipValue()`` if it is not wanted. After a method has thrown, the reader's position means nothing.
///
/// ```swift
/// var reader = JSONReader(bytes)
/// try reader.beginObject()
/// while let key = try reader.nextKey() {
///   if reader.text(key, equals: "name") { name = try reader.string() } else { try reader.skipValue() }
/// }
/// try reader.finish()
/// ```
@frozen public struct JSONReader: ~Escapable {
  /// The type of a value, as its first character tells it.
  @frozen public enum Kind: Sendable { case null, bool, number, string, array, object }

  /// The whole text.
  public let bytes: Span<UInt8>
  /// Where reading goes on; only the reader moves it.
  public var position = 0
  @usableFromInline let maximumDepth: Int
  @usableFromInline var depth = 0
  // Whether the container that was entered last has not given an element yet. No stack is needed: a container that
  // was left is an element of its parent, so the parent's answer is always "no".
  @usableFromInline var isFirst = false

  /// Starts a document that fills the span.
  ///
  /// - Parameter maximumDepth: How many arrays and objects may lie inside each other.
  @inlinable
  @_lifetime(copy bytes)
  public init(_ bytes: Span<UInt8>, maximumDepth: Int = 512) {
    self.bytes = bytes
    self.maximumDepth = maximumDepth
  }

  /// Tells the type of the next value without reading it.
  @inlinable
  @_lifetime(self: copy self)
  public mutating func nextKind() throws(JSONError) -> Kind {
    switch try nextByte() {
    case UInt8(ascii: "\""): return .string
    case UInt8(ascii: "{"): return .object
    case UInt8(ascii: "["): return .array
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): return .number
    case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
    case UInt8(ascii: "n"): return .null
    default: throw JSONError(.unexpectedByte, at: position)
    }
  }

  /// Reads `null`.
  @inlinable
  @_lifetime(self: copy self)
  public mutating func null() throws(JSONError) {
    guard try nextByte() == UInt8(ascii: "n") else { throw JSONError(.wrongType, at: position) }
    try literal("null")
  }

  /// Reads `true` or `false`.
  @inlinable
  @_lifetime(self: copy self)
  public mutating func bool() throws(JSONError) -> Bool {
    switch try nextByte() {
    case UInt8(ascii: "t"):
      try literal("true")
      return true
    case UInt8(ascii: "f"):
      try literal("false")
      return false
    default: throw JSONError(.wrongType, at: position)
    }
  }

  /// Checks that nothing but white space follows.
  @_lifetime(self: copy self)
  public mutating func finish() throws(JSONError) {
    skipWhitespace()
    guard position == bytes.count else { throw JSONError(.trailingBytes, at: position) }
  }

  @inlinable
  @_lifetime(self: copy self)
  mutating func literal(_ text: StaticString) throws(JSONError) {
    let count = text.utf8CodeUnitCount
    guard bytes.count - position >= count else { throw JSONError(.unexpectedEnd, at: bytes.count) }
    for index in 0..<count {
      guard unsafe bytes[unchecked: position &+ index] == text.utf8Start[index] else {
        throw JSONError(.unexpectedByte, at: position + index)
      }
    }
    position += count
  }

  /// Steps over white space and gives the byte behind it, which is not consumed.
  @inlinable @inline(__always)
  @_lifetime(self: copy self)
  mutating func nextByte() throws(JSONError) -> UInt8 {
    skipWhitespace()
    guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: position) }
    return unsafe bytes[unchecked: position]
  }

  @inlinable @inline(__always)
  @_lifetime(self: copy self)
  mutating func skipWhitespace() {
    while position < bytes.count {
      switch unsafe bytes[unchecked: position] {
      case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): position &+= 1
      default: return
      }
    }
  }
}
