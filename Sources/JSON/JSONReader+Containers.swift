extension JSONReader {
  /// Enters an object; its members follow with ``nextKey()``.
  @inlinable
  @_lifetime(self: copy self)
  public mutating func beginObject() throws(JSONError) {
    try begin(UInt8(ascii: "{"))
  }

  /// Enters an array; its elements follow with ``nextElement()``.
  @inlinable
  @_lifetime(self: copy self)
  public mutating func beginArray() throws(JSONError) {
    try begin(UInt8(ascii: "["))
  }

  /// Reads the key of the next member, or leaves the object.
  ///
  /// - Returns: `nil` when the object has ended.
  @inlinable
  @_lifetime(self: copy self)
  public mutating func nextKey() throws(JSONError) -> JSONString? {
    guard try advance(closing: UInt8(ascii: "}")) else { return nil }
    guard try nextByte() == UInt8(ascii: "\"") else { throw JSONError(.unexpectedByte, at: position) }
    let key = try string()
    guard try nextByte() == UInt8(ascii: ":") else { throw JSONError(.unexpectedByte, at: position) }
    position &+= 1
    return key
  }

  /// Goes to the next element, or leaves the array.
  ///
  /// - Returns: `false` when the array has ended.
  @inlinable
  @_lifetime(self: copy self)
  public mutating func nextElement() throws(JSONError) -> Bool {
    try advance(closing: UInt8(ascii: "]"))
  }

  /// Reads the next value and forgets it.
  ///
  /// Does not recurse, so its use of the stack does not depend on the text.
  @_lifetime(self: copy self)
  public mutating func skipValue() throws(JSONError) {
    // One entry for each open container: whether it is an object.
    var open: [Bool] = []
    repeat {
      switch try nextKind() {
      case .null: try null()
      case .bool: _ = try bool()
      case .number: _ = try number()
      case .string: _ = try string()
      case .array:
        try beginArray()
        open.append(false)
      case .object:
        try beginObject()
        open.append(true)
      }
      while let isObject = open.last {
        let hasNext = isObject ? try nextKey() != nil : try nextElement()
        if hasNext { break }
        open.removeLast()
      }
    } while !open.isEmpty
  }

  @inlinable @inline(__always)
  @_lifetime(self: copy self)
  mutating func begin(_ bracket: UInt8) throws(JSONError) {
    guard try nextByte() == bracket else { throw JSONError(.wrongType, at: position) }
    guard depth < maximumDepth else { throw JSONError(.tooDeep, at: position) }
    position &+= 1
    depth &+= 1
    isFirst = true
  }

  /// Reads the comma before the next element, or the bracket that ends the container.
  @inlinable @inline(__always)
  @_lifetime(self: copy self)
  mutating func advance(closing bracket: UInt8) throws(JSONError) -> Bool {
    let byte = try nextByte()
    if byte == bracket {
      position &+= 1
      depth &-= 1
      isFirst = false
      return false
    }
    if isFirst {
      isFirst = false
      return true
    }
    guard byte == UInt8(ascii: ",") else { throw JSONError(.unexpectedByte, at: position) }
    position &+= 1
    return true
  }
}
