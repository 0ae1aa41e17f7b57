import JSON

// Members as Agent Lightning's models have them.
extension JSONWriter {
  /// Writes a time as Agent Lightning does: seconds since the epoch, `null` when it is unknown.
  mutating func seconds(_ nanoseconds: UInt64) {
    if nanoseconds == 0 { null() } else { double(AGLTime.seconds(nanoseconds: nanoseconds)) }
  }

  /// Writes a member unless it is 0.
  mutating func count(_ name: StaticString, _ value: UInt32) {
    guard value != 0 else { return }
    key(name)
    unsigned(UInt64(value))
  }

  /// Writes a member unless it is empty.
  mutating func text(_ name: StaticString, _ bytes: Span<UInt8>, at range: Range<Int>) {
    guard !range.isEmpty else { return }
    key(name)
    string(bytes, at: range)
  }
}
