extension JSONWriter {
  /// Writes the key of the next member.
  @inlinable public mutating func key(_ name: Span<UInt8>, at range: Range<Int>) {
    string(name, at: range)
    continuation(":")
  }

  /// Writes two strings that lie in a buffer, and the tokens around them, such as `{"key":`, `,"value":` and `}`.
  ///
  /// It does what ``tokens(_:)``, ``string(_:at:)`` and ``continuation(_:)`` would do one after the other, and is
  /// quicker, because it makes room once.
  ///
  /// - Precondition: The ranges lie inside the span.
  @inlinable @inline(__always)
  public mutating func strings(
    _ prefix: StaticString, _ first: Range<Int>, _ infix: StaticString, _ second: Range<Int>, _ suffix: StaticString,
    in text: Span<UInt8>
  ) {
    precondition(first.lowerBound >= 0 && first.upperBound <= text.count)
    precondition(second.lowerBound >= 0 && second.upperBound <= text.count)
    let firstRoom = Self.room(for: first.count)
    let secondRoom = Self.room(for: second.count)
    let tokenCount = prefix.utf8CodeUnitCount &+ infix.utf8CodeUnitCount &+ suffix.utf8CodeUnitCount
    let start = bytes.count
    var fits = false
    unsafe writeValue(upTo: tokenCount &+ firstRoom &+ secondRoom &+ 4) { target in
      var count = prefix.utf8CodeUnitCount
      unsafe target.initialize(from: prefix.utf8Start, count: prefix.utf8CodeUnitCount)
      guard let end = unsafe Self.quote(text, first, into: target + count, firstRoom) else { return 0 }
      count &+= end
      unsafe (target + count).initialize(from: infix.utf8Start, count: infix.utf8CodeUnitCount)
      count &+= infix.utf8CodeUnitCount
      guard let end = unsafe Self.quote(text, second, into: target + count, secondRoom) else { return 0 }
      count &+= end
      unsafe (target + count).initialize(from: suffix.utf8Start, count: suffix.utf8CodeUnitCount)
      fits = true
      return count &+ suffix.utf8CodeUnitCount
    }
    guard !fits else { return }
    bytes.removeLast(bytes.count &- start)
    if prefix.utf8CodeUnitCount > 0 { tokens(prefix) }
    string(text, at: first)
    continuation(infix)
    string(text, at: second)
    continuation(suffix)
  }

  /// Writes a string in quotation marks, unless it could need more than `room &+ 2` bytes.
  ///
  /// - Returns: How many bytes were written; `nil` when the string does not fit.
  @inlinable @inline(__always)
  static func quote(
    _ text: Span<UInt8>, _ range: Range<Int>, into target: UnsafeMutablePointer<UInt8>, _ room: Int
  ) -> Int? {
    unsafe target[0] = UInt8(ascii: "\"")
    var count = 1
    var offset = range.lowerBound
    let isClosed = unsafe escape(text, from: &offset, to: range.upperBound, into: target, count: &count, room)
    return isClosed ? count : nil
  }

  /// Writes the key of the next member.
  @inlinable public mutating func key(_ name: String) {
    string(name)
    bytes.append(UInt8(ascii: ":"))
  }

  /// Writes a string.
  @inlinable public mutating func string(_ text: String) {
    // Not `utf8Span`: Swift 6.3.1, when it optimizes, ends the life of a short text on the stack before its span is read,
    // where this is inlined behind an `if let`.
    var text = text
    text.withUTF8 { bytes in
      let bytes = unsafe bytes.span
      string(bytes, at: 0..<bytes.count)
    }
  }

  /// Writes a string that lies in a buffer.
  ///
  /// Only what JSON demands is escaped; other characters stay as they are. Ill-formed UTF-8 becomes U+FFFD.
  ///
  /// - Precondition: `range` lies inside the span.
  @inlinable public mutating func string(_ text: Span<UInt8>, at range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= text.count)
    var offset = range.lowerBound
    var isClosed = false
    var room = Self.room(for: range.count)
    unsafe writeValue(upTo: room &+ 2) { target in
      unsafe target[0] = UInt8(ascii: "\"")
      var count = 1
      unsafe isClosed = Self.escape(text, from: &offset, to: range.upperBound, into: target, count: &count, room)
      return count
    }
    // Only text that consists of escapes for the most part does not fit at once.
    while !isClosed {
      room = Self.room(for: range.upperBound &- offset)
      unsafe write(upTo: room &+ 2) { target in
        var count = 0
        unsafe isClosed = Self.escape(text, from: &offset, to: range.upperBound, into: target, count: &count, room)
        return count
      }
    }
  }

  /// Room for text as it is and for some escapes.
  @inlinable @inline(__always)
  static func room(for count: Int) -> Int { count &+ count >> 2 &+ 32 }

  /// Escapes text until its end, or until the room that is left could become too small.
  ///
  /// - Parameters:
  ///   - text: Where the text lies; `offset..<end` must lie inside.
  ///   - target: Memory for at least `room + 1` bytes.
  ///   - count: How many of them are written.
  /// - Returns: Whether all of the text and the closing quotation mark were written.
  @inlinable
  static func escape(
    _ text: Span<UInt8>, from offset: inout Int, to end: Int, into target: UnsafeMutablePointer<UInt8>,
    count: inout Int, _ room: Int
  ) -> Bool {
    // The longest escape has 6 bytes, and words are written whole. A byte that is copied as it is leaves both sides
    // of this comparison as they were, so the loop over words need not check again.
    while offset < end, room &- count >= end &- offset &+ 16 {
      var special: UInt64 = 0
      // Branches that the processor foresees, so that the next word need not wait for what this one holds.
      while end &- offset >= 8 {
        let word = TextWord.load(text, at: offset)
        unsafe UnsafeMutableRawPointer(target + count).storeBytes(of: word.littleEndian, as: UInt64.self)
        special = TextWord.special(word)
        if special != 0 { break }
        offset &+= 8
        count &+= 8
      }
      if special == 0 {
        if offset == end { break }
        let (word, length) = TextWord.load(text, at: offset, upTo: end)
        unsafe UnsafeMutableRawPointer(target + count).storeBytes(of: word.littleEndian, as: UInt64.self)
        special = TextWord.special(word)
        if special == 0 {
          offset &+= length
          count &+= length
          break
        }
      }
      let copied = special.trailingZeroBitCount >> 3
      offset &+= copied
      count &+= copied
      unsafe escapeSpecial(text, from: &offset, to: end, into: target, count: &count)
    }
    guard offset == end else { return false }
    unsafe target[count] = UInt8(ascii: "\"")
    count &+= 1
    return true
  }

  /// Writes one special character: at most 6 bytes.
  @inlinable
  static func escapeSpecial(
    _ text: Span<UInt8>, from offset: inout Int, to end: Int, into target: UnsafeMutablePointer<UInt8>,
    count: inout Int
  ) {
    let byte = unsafe text[unchecked: offset]
    guard byte < 0x80 else {
      let length = UTF8Text.character(in: text, at: offset, end: end)
      if length > 0 {
        for index in 0..<length { unsafe target[count &+ index] = text[unchecked: offset &+ index] }
        count &+= length
      } else {
        for (index, byte) in UTF8Text.replacement.enumerated() { unsafe target[count &+ index] = byte }
        count &+= 3
      }
      offset &+= abs(length)
      return
    }
    offset &+= 1
    unsafe target[count] = UInt8(ascii: "\\")
    unsafe target[count &+ 1] = letter(escaping: byte)
    count &+= 2
    guard letter(escaping: byte) == UInt8(ascii: "u") else { return }
    unsafe target[count] = UInt8(ascii: "0")
    unsafe target[count &+ 1] = UInt8(ascii: "0")
    unsafe target[count &+ 2] = Hexadecimal.digit(byte >> 4)
    unsafe target[count &+ 3] = Hexadecimal.digit(byte & 0xF)
    count &+= 4
  }

  /// The character behind the backslash.
  @inlinable
  static func letter(escaping byte: UInt8) -> UInt8 {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): byte
    case 0x08: UInt8(ascii: "b")
    case 0x09: UInt8(ascii: "t")
    case 0x0A: UInt8(ascii: "n")
    case 0x0C: UInt8(ascii: "f")
    case 0x0D: UInt8(ascii: "r")
    default: UInt8(ascii: "u")
    }
  }
}
