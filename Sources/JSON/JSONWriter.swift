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

  /// Starts with nothing written.
  @inlinable public init(reservingCapacity capacity: Int = 0) {
    bytes = []
    bytes.reserveCapacity(capacity)
  }

  /// Gives away what was written, to go on with the same document in an empty buffer.
  ///
  /// The last byte stays, unless nothing follows: by it the writer tells whether the next value needs a comma.
  ///
  /// - Parameter capacity: Bytes to reserve for what follows.
  public mutating func takePiece(isLast: Bool, reservingCapacity capacity: Int) -> [UInt8] {
    var piece: [UInt8] = []
    swap(&piece, &bytes)
    if !isLast, let last = piece.popLast() {
      bytes.reserveCapacity(capacity)
      bytes.append(last)
    }
    return piece
  }

  /// Opens an object.
  @inlinable @inline(__always) public mutating func beginObject() { tokens("{") }

  /// Closes the object that was opened last.
  @inlinable @inline(__always) public mutating func endObject() { continuation("}") }

  /// Opens an array.
  @inlinable @inline(__always) public mutating func beginArray() { tokens("[") }

  /// Closes the array that was opened last.
  @inlinable @inline(__always) public mutating func endArray() { continuation("]") }

  /// Writes the key of the next member.
  ///
  /// - Parameter name: Written as it is, so it may hold nothing that JSON must escape.
  @inlinable @inline(__always) public mutating func key(_ name: StaticString) {
    let count = name.utf8CodeUnitCount
    unsafe writeValue(upTo: count + 3) { target in
      unsafe target[0] = UInt8(ascii: "\"")
      unsafe (target + 1).initialize(from: name.utf8Start, count: count)
      unsafe target[count + 1] = UInt8(ascii: "\"")
      unsafe target[count + 2] = UInt8(ascii: ":")
      return count + 3
    }
  }

  /// Writes `null`.
  @inlinable public mutating func null() {
    tokens("null")
  }

  /// Writes `true` or `false`.
  @inlinable public mutating func bool(_ value: Bool) {
    tokens(value ? "true" : "false")
  }

  /// Writes a value that is JSON already.
  @inlinable public mutating func json(_ text: Span<UInt8>) {
    separate()
    unsafe text.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
  }

  /// Writes several tokens that are known beforehand, such as `{"key":`.
  ///
  /// - Parameter text: Starts with a value or a key; a comma is written before it where one is due.
  @inlinable @inline(__always) public mutating func tokens(_ text: StaticString) {
    let count = text.utf8CodeUnitCount
    unsafe writeValue(upTo: count) { target in
      unsafe target.initialize(from: text.utf8Start, count: count)
      return count
    }
  }

  /// Writes the rest of tokens that were begun, such as `}}`: no comma is written before it.
  @inlinable @inline(__always) public mutating func continuation(_ text: StaticString) {
    let count = text.utf8CodeUnitCount
    unsafe write(upTo: count) { target in
      unsafe target.initialize(from: text.utf8Start, count: count)
      return count
    }
  }

  /// Whether a comma is due before a value or a key.
  @inlinable @inline(__always)
  var needsComma: Bool {
    switch bytes.last {
    case nil, UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: ":"): false
    default: true
    }
  }

  /// Writes the comma that is due before a value or a key.
  @inlinable @inline(__always)
  mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
  }

  /// Writes a value or a key, with the comma that is due before it.
  ///
  /// - Parameters:
  ///   - limit: How many bytes `body` may write.
  ///   - body: Gets where to write, and returns how many bytes it has written.
  @inlinable @inline(__always)
  mutating func writeValue(upTo limit: Int, _ body: (UnsafeMutablePointer<UInt8>) -> Int) {
    let comma = needsComma ? 1 : 0
    unsafe write(upTo: limit &+ 1) { target in
      // Where no comma is due, the value overwrites it.
      unsafe target[0] = UInt8(ascii: ",")
      return unsafe comma &+ body(target + comma)
    }
  }

  /// Writes text in quotation marks that needs no escapes; the parameters are as above.
  @inlinable @inline(__always)
  mutating func writeQuoted(upTo limit: Int, _ body: (UnsafeMutablePointer<UInt8>) -> Int) {
    unsafe writeValue(upTo: limit &+ 2) { target in
      unsafe target[0] = UInt8(ascii: "\"")
      let count = unsafe body(target + 1)
      unsafe target[count &+ 1] = UInt8(ascii: "\"")
      return count &+ 2
    }
  }

  /// Appends bytes; the parameters are as above.
  @inlinable @inline(__always)
  mutating func write(upTo limit: Int, _ body: (UnsafeMutablePointer<UInt8>) -> Int) {
    bytes.append(addingCapacity: limit) { output in
      unsafe output.withUnsafeMutableBufferPointer { buffer, count in
        // Only a writer that has nothing to write can meet an array without memory.
        guard let base = buffer.baseAddress else { return }
        unsafe count &+= body(base + count)
      }
    }
  }
}
