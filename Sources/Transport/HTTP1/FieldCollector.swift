/// The parts of a header section, gathered from pieces that may be split anywhere.
struct FieldCollector {
  /// The limits of a section.
  struct Limits: Hashable {
    var bytes: Int
    var count: Int
  }

  private enum Part { case none, name, value }

  private let limits: Limits
  /// The bytes of the target, the names and the values, one after the other.
  private var bytes: [UInt8] = []
  private var targetCount = 0
  /// Where each name and each value ends in `bytes`.
  private var ends: [(name: Int, value: Int)] = []
  private var last = Part.none
  /// Set when a limit was exceeded; nothing is kept from then on.
  private(set) var isOverLimit = false
  /// Set when a value continues on another line, which RFC 9112, section 5.2, lets a server refuse.
  private(set) var isFolded = false
  /// Where in the client's bytes the last piece of a value ended.
  private var valueEnd = 0

  init(limits: Limits) { self.limits = limits }

  var target: ArraySlice<UInt8> { bytes[..<targetCount] }

  mutating func appendTarget(_ piece: UnsafeBufferPointer<UInt8>) {
    unsafe append(piece)
    targetCount = bytes.count
  }

  mutating func appendName(_ piece: UnsafeBufferPointer<UInt8>) {
    unsafe append(piece)
    guard !isOverLimit else { return }
    if last == .name {
      ends[ends.count - 1] = (bytes.count, bytes.count)
    } else if ends.count == limits.count {
      isOverLimit = true
    } else {
      ends.append((bytes.count, bytes.count))
    }
    last = .name
  }

  /// Adds a piece of a value that stands at an offset in all of the client's bytes.
  ///
  /// Pieces that were split by reading follow each other without a gap; folded ones have a line break in between.
  mutating func appendValue(_ piece: UnsafeBufferPointer<UInt8>, at offset: Int) {
    unsafe append(piece)
    guard !isOverLimit, !ends.isEmpty else { return }
    if last == .value && offset != valueEnd { isFolded = true }
    valueEnd = offset + piece.count
    ends[ends.count - 1].value = bytes.count
    last = .value
  }

  private mutating func append(_ piece: UnsafeBufferPointer<UInt8>) {
    guard !isOverLimit, piece.count <= limits.bytes - bytes.count else {
      isOverLimit = true
      return
    }
    unsafe bytes.append(contentsOf: piece)
  }

  /// Makes the fields, and starts over.
  mutating func takeHeaders() throws(HTTP1Error) -> HTTPHeaders {
    guard !isFolded else { throw HTTP1Error(400, "folded field value") }
    var headers = HTTPHeaders()
    headers.reserveCapacity(ends.count)
    var start = targetCount
    for end in ends {
      let name = try fieldName(bytes[start..<end.name])
      headers.append(lowercased: name, try fieldValue(bytes[end.name..<end.value]))
      start = end.value
    }
    reset()
    return headers
  }

  mutating func reset() {
    bytes.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
    targetCount = 0
    last = .none
    isOverLimit = false
    isFolded = false
  }
}

/// A name in lower case, if it is a token ([RFC 9110, section 5.6.2](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2)).
private func fieldName(_ bytes: ArraySlice<UInt8>) throws(HTTP1Error) -> String {
  guard !bytes.isEmpty, bytes.allSatisfy(isTokenByte) else { throw HTTP1Error(400, "malformed field name") }
  return unsafe String(unsafeUninitializedCapacity: bytes.count) { buffer in
    var count = 0
    for byte in bytes {
      let isUppercase = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
      unsafe buffer[count] = isUppercase ? byte | 0x20 : byte
      count += 1
    }
    return count
  }
}

/// A value without white space around it.
private func fieldValue(_ bytes: ArraySlice<UInt8>) throws(HTTP1Error) -> String {
  var bytes = bytes
  while let byte = bytes.last, byte == 0x20 || byte == 0x09 { bytes.removeLast() }
  while let byte = bytes.first, byte == 0x20 || byte == 0x09 { bytes.removeFirst() }
  let isAllowed = bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
  guard isAllowed else { throw HTTP1Error(400, "control character in a field value") }
  return FieldCoding.text(bytes)
}

private func isTokenByte(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
  case UInt8(ascii: "0")...UInt8(ascii: "9"): true
  case UInt8(ascii: "!"), UInt8(ascii: "#")...UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"): true
  case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "^")...UInt8(ascii: "`"): true
  case UInt8(ascii: "|"), UInt8(ascii: "~"): true
  default: false
  }
}
