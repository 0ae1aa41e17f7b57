/// The part of a cut JSON text that can be read, closed so that it is a JSON text again.
///
/// What is lost is at most the last value, and of a string only what has not come.
struct ReadablePrefix: ~Escapable {
  private enum Next { case value, valueOrEnd, key, keyOrEnd, colon, commaOrEnd }

  private let text: Span<UInt8>
  private var position = 0
  // Whether each open container is an object.
  private var open: [Bool] = []
  private var next = Next.value
  /// Bytes that are well-formed once the open containers are closed.
  private var kept = 0
  private var isInsideString = false

  @_lifetime(copy text)
  private init(_ text: Span<UInt8>) { self.text = text }

  /// Closes a text.
  ///
  /// - Returns: `nil` when not even an array or an object has begun.
  static func closing(_ text: Span<UInt8>) -> [UInt8]? {
    var prefix = ReadablePrefix(text)
    while prefix.step() {}
    guard prefix.kept > 0 else { return nil }
    var result = unsafe text.extracting(first: prefix.kept).withUnsafeBufferPointer { unsafe [UInt8]($0) }
    if prefix.isInsideString { result.append(UInt8(ascii: "\"")) }
    for isObject in prefix.open.reversed() { result.append(UInt8(ascii: isObject ? "}" : "]")) }
    return result
  }

  /// Reads one token.
  ///
  /// - Returns: Whether there may be another one.
  @_lifetime(self: copy self)
  private mutating func step() -> Bool {
    while position < text.count, Self.isSpace(text[position]) { position += 1 }
    guard position < text.count, kept == 0 || !open.isEmpty else { return false }
    let byte = text[position]
    switch (next, byte) {
    case (.valueOrEnd, UInt8(ascii: "]")), (.keyOrEnd, UInt8(ascii: "}")): return close()
    case (.commaOrEnd, UInt8(ascii: "]")): return open.last == false && close()
    case (.commaOrEnd, UInt8(ascii: "}")): return open.last == true && close()
    case (.commaOrEnd, UInt8(ascii: ",")):
      next = open.last == true ? .key : .value
      position += 1
    case (.colon, UInt8(ascii: ":")):
      next = .value
      position += 1
    case (.key, UInt8(ascii: "\"")), (.keyOrEnd, UInt8(ascii: "\"")):
      guard skipString() else { return false }
      next = .colon
    case (.value, _), (.valueOrEnd, _): return value(byte)
    default: return false
    }
    return true
  }

  @_lifetime(self: copy self)
  private mutating func value(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      guard open.count < 512 else { return false }
      open.append(byte == UInt8(ascii: "{"))
      next = open.last == true ? .keyOrEnd : .valueOrEnd
      position += 1
      kept = position
      return true
    case UInt8(ascii: "\""):
      guard !open.isEmpty else { return false }
      guard skipString() else {
        keepPartialString()
        return false
      }
    default:
      guard !open.isEmpty, skipScalar() else { return false }
    }
    next = .commaOrEnd
    kept = position
    return true
  }

  @_lifetime(self: copy self)
  private mutating func close() -> Bool {
    open.removeLast()
    next = .commaOrEnd
    position += 1
    kept = position
    return true
  }

  /// Steps over a string; if it does not end, to the last place where it could.
  @_lifetime(self: copy self)
  private mutating func skipString() -> Bool {
    position += 1
    while position < text.count {
      switch text[position] {
      case UInt8(ascii: "\""):
        position += 1
        return true
      case 0..<0x20: return false
      case UInt8(ascii: "\\"):
        guard position + 1 < text.count else { return false }
        let length = text[position + 1] == UInt8(ascii: "u") ? 6 : 2
        guard position + length <= text.count else { return false }
        position += length
      default: position += 1
      }
    }
    return false
  }

  @_lifetime(self: copy self)
  private mutating func keepPartialString() {
    // A character that was cut is not kept.
    var end = position
    var back = end
    while back > 0, end - back < 4, text[back - 1] & 0xC0 == 0x80 { back -= 1 }
    if back > 0, text[back - 1] >= 0xC0 {
      let lead = text[back - 1]
      let length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2
      if end - (back - 1) < length { end = back - 1 }
    }
    kept = end
    isInsideString = true
  }

  /// Steps over a number or a word; one that ends with the text may go on.
  @_lifetime(self: copy self)
  private mutating func skipScalar() -> Bool {
    let start = position
    while position < text.count, Self.isScalar(text[position]) { position += 1 }
    return position > start && position < text.count
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

  private static func isScalar(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "E"),
      UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
      true
    default: false
    }
  }
}
