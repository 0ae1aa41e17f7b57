import JSON

/// What Python's `json` says of a text that it cannot read.
///
/// The text is read once more, in Python's way and order, when it is known to be at fault.
/// [json.decoder](https://github.com/python/cpython/blob/3.11/Modules/_json.c)
struct PythonJSON {
  /// The message and the place, counted in characters.
  struct Fault: Error, Hashable {
    var message: String
    var position: Int
  }

  private let bytes: [UInt8]
  private var position = 0

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Finds what is wrong; `nil` when nothing is that Python would see.
  static func fault(in bytes: [UInt8]) -> Fault? {
    var text = PythonJSON(bytes)
    do throws(Fault) {
      try text.readAll()
      return nil
    } catch {
      // Characters are what does not continue one.
      let before = bytes[..<min(error.position, bytes.count)]
      let continuations = before.reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 1 : 0) }
      return Fault(message: error.message, position: error.position - continuations)
    }
  }

  private var byte: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
  }

  private mutating func readAll() throws(Fault) {
    // Whether each container that is open is an object.
    var open: [Bool] = []
    skipSpace()
    repeat {
      try readValue(&open)
    } while try !isFinished(&open)
    skipSpace()
    if byte != nil { throw Fault(message: "Extra data", position: position) }
  }

  /// Reads scalars and empty containers whole; of other containers up to the first value in them that is one.
  private mutating func readValue(_ open: inout [Bool]) throws(Fault) {
    while byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
      let isObject = byte == UInt8(ascii: "{")
      position += 1
      skipSpace()
      if byte == UInt8(ascii: isObject ? "}" : "]") {
        position += 1
        return
      }
      if isObject { try readKey() }
      open.append(isObject)
    }
    try readScalar()
  }

  /// Leaves containers that end after a value.
  ///
  /// - Returns: Whether all have ended, and no value follows.
  private mutating func isFinished(_ open: inout [Bool]) throws(Fault) -> Bool {
    while let isObject = open.last {
      if try readSeparator(isObject) { return false }
      open.removeLast()
    }
    return true
  }

  /// Reads what follows a value, up to the next one.
  ///
  /// - Returns: Whether there is a next one.
  private mutating func readSeparator(_ isObject: Bool) throws(Fault) -> Bool {
    skipSpace()
    if byte == UInt8(ascii: isObject ? "}" : "]") {
      position += 1
      return false
    }
    guard byte == UInt8(ascii: ",") else { throw Fault(message: "Expecting ',' delimiter", position: position) }
    position += 1
    skipSpace()
    if isObject { try readKey() }
    return true
  }

  private mutating func readKey() throws(Fault) {
    guard byte == UInt8(ascii: "\"") else {
      throw Fault(message: "Expecting property name enclosed in double quotes", position: position)
    }
    try readString()
    skipSpace()
    guard byte == UInt8(ascii: ":") else { throw Fault(message: "Expecting ':' delimiter", position: position) }
    position += 1
    skipSpace()
  }

  private mutating func readScalar() throws(Fault) {
    if byte == UInt8(ascii: "\"") { return try readString() }
    for word in ["null", "true", "false", "NaN", "Infinity", "-Infinity"]
    where bytes[position...].starts(with: word.utf8) {
      position += word.utf8.count
      return
    }
    try readNumber()
  }

  /// Reads a number as far as it is one.
  private mutating func readNumber() throws(Fault) {
    let start = position
    if byte == UInt8(ascii: "-") { position += 1 }
    let first = byte
    guard skipDigits(atMost: first == UInt8(ascii: "0") ? 1 : .max) else {
      throw Fault(message: "Expecting value", position: start)
    }
    var end = position
    if byte == UInt8(ascii: ".") {
      position += 1
      if skipDigits(atMost: .max) { end = position }
      position = end
    }
    if byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
      position += 1
      if byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") { position += 1 }
      if skipDigits(atMost: .max) { end = position }
      position = end
    }
  }

  /// - Returns: Whether there was a digit.
  private mutating func skipDigits(atMost limit: Int) -> Bool {
    let start = position
    while position - start < limit, let byte, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
    return position > start
  }

  private mutating func readString() throws(Fault) {
    let start = position
    position += 1
    while let byte, byte != UInt8(ascii: "\"") {
      guard byte >= 0x20 else { throw Fault(message: "Invalid control character at", position: position) }
      position += 1
      if byte == UInt8(ascii: "\\") { try readEscape(start) }
    }
    guard byte != nil else { throw Fault(message: "Unterminated string starting at", position: start) }
    position += 1
  }

  private mutating func readEscape(_ start: Int) throws(Fault) {
    guard let letter = byte else { throw Fault(message: "Unterminated string starting at", position: start) }
    guard letter == UInt8(ascii: "u") else {
      guard "\"\\/bfnrt".utf8.contains(letter) else {
        throw Fault(message: "Invalid \\escape", position: position - 1)
      }
      position += 1
      return
    }
    let digits = bytes[(position + 1)...].prefix(4)
    // Python wants to see something behind the digits, too.
    guard digits.count == 4, position + 5 < bytes.count, digits.allSatisfy({ Hexadecimal.value(of: $0) != nil }) else {
      throw Fault(message: "Invalid \\uXXXX escape", position: position)
    }
    position += 5
  }
}
