import Protobuf

/// Writes messages inside messages in bounded time, however deep they are.
///
/// The length of a message stands before it but is known after it. Moving the message when the room for its length
/// turns out wrong costs a copy at each level, which a sender could multiply by nesting. So the caller either says how
/// long the message will be, or has the length padded, which protobuf allows (a varint may have leading zeros).
struct NestedMessageWriter {
  var output: ProtobufWriter

  /// An open message.
  struct Mark {
    fileprivate let start: Int
    fileprivate let reserved: Int
    fileprivate let isPadded: Bool
  }

  init(reservingCapacity capacity: Int = 0) { output = ProtobufWriter(reservingCapacity: capacity) }

  /// Opens a message that is moved when its length needs more or fewer bytes than an expected length.
  mutating func begin(_ field: UInt32, expecting length: Int) -> Mark {
    begin(field, reserving: ProtobufWriter.varintSize(UInt64(length)), isPadded: false)
  }

  /// Opens a message that is never moved: its length takes five bytes, enough for all below 2^35.
  mutating func beginPadded(_ field: UInt32) -> Mark { begin(field, reserving: 5, isPadded: true) }

  private mutating func begin(_ field: UInt32, reserving reserved: Int, isPadded: Bool) -> Mark {
    output.tag(.lengthDelimited(field))
    for _ in 0..<reserved { output.bytes.append(0) }
    return Mark(start: output.bytes.count, reserved: reserved, isPadded: isPadded)
  }

  /// Closes the message that was opened last.
  mutating func end(_ mark: Mark) {
    var length = UInt64(output.bytes.count - mark.start)
    let width = mark.isPadded ? mark.reserved : ProtobufWriter.varintSize(length)
    if width != mark.reserved { move(from: mark.start, by: width - mark.reserved) }
    let first = mark.start - mark.reserved
    for index in first..<first + width - 1 {
      output.bytes[index] = UInt8(truncatingIfNeeded: length) | 0x80
      length >>= 7
    }
    output.bytes[first + width - 1] = UInt8(length)
  }

  /// Moves the end of the output.
  private mutating func move(from start: Int, by distance: Int) {
    let count = output.bytes.count - start
    for _ in 0..<max(distance, 0) { output.bytes.append(0) }
    unsafe output.bytes.withUnsafeMutableBytes { buffer in
      guard let base = buffer.baseAddress else { return }
      unsafe (base + start + distance).copyMemory(from: base + start, byteCount: count)
    }
    output.bytes.removeLast(max(-distance, 0))
  }
}
