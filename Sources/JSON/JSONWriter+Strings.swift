extension JSONWriter {
  /// Writes the key of the next member.
  @inlinable public mutating func key(_ name: Span<UInt8>, at range: Range<Int>) {
    string(name, at: range)
    bytes.append(UInt8(ascii: ":"))
  }

  /// Writes the key of the next member.
  @inlinable public mutating func key(_ name: String) {
    string(name)
    bytes.append(UInt8(ascii: ":"))
  }

  /// Writes a string.
  @inlinable public mutating func string(_ text: String) {
    let text = text.utf8Span.span
    string(text, at: 0..<text.count)
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
      while end &- offset >= 8 {
        let word = TextWord.load(text, at: offset)
        unsafe UnsafeMutableRawPointer(target + count).storeBytes(of: word.littleEndian, as: UInt64.self)
        let special = TextWord.special(word)
        let copied = special == 0 ? 8 : special.trailingZeroBitCount >> 3
        offset &+= copied
        count &+= copied
        if special != 0 { break }
      }
      if end &- offset < 8 {
        while offset < end, case let byte = unsafe text[unchecked: offset], !TextWord.isSpecial(byte) {
          unsafe target[count] = byte
          offset &+= 1
          count &+= 1
        }
        if offset == end { break }
      }
      guard TextWord.isSpecial(unsafe text[unchecked: offset]) else { continue }
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
