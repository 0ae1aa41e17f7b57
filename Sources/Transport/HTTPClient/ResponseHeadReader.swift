/// Collects the header section of an answer from its lines.
struct ResponseHeadReader {
  /// What a line meant.
  enum Progress {
    case needsMore
    case complete(ClientResponse)
    /// The end of the body could be read in two ways.
    case ambiguous
  }

  private var response = ClientResponse(status: 0, reason: "", headers: [:])
  /// Whether the fields say different things about the length, or nothing that is one
  /// ([RFC 9112, section 6.3](https://www.rfc-editor.org/rfc/rfc9112#section-6.3)).
  private var hasUnclearLength = false

  /// Takes a line with its end.
  ///
  /// Interim answers (1xx) are passed over ([RFC 9110, section 15.2](https://www.rfc-editor.org/rfc/rfc9110#section-15.2)).
  mutating func read(_ line: Span<UInt8>) -> Progress {
    var end = line.count
    while end > 0, line[end - 1] == 0x0A || line[end - 1] == 0x0D { end -= 1 }
    if end == 0 {
      guard response.status >= 200 else { return .needsMore }
      return .complete(response)
    }
    let isStatusLine =
      end >= 5 && line[0] == UInt8(ascii: "H") && line[1] == UInt8(ascii: "T") && line[2] == UInt8(ascii: "T")
      && line[3] == UInt8(ascii: "P") && line[4] == UInt8(ascii: "/")
    if isStatusLine {
      readStatus(line, end)
    } else if line[0] == 0x20 || line[0] == 0x09 {
      goOn(line, end)
    } else {
      readField(line, end)
    }
    return hasUnclearLength ? .ambiguous : .needsMore
  }

  private mutating func readStatus(_ line: Span<UInt8>, _ end: Int) {
    response = ClientResponse(status: 0, reason: "", headers: [:])
    hasUnclearLength = false
    response.headers.reserveCapacity(16)
    guard var index = (0..<end).first(where: { line[$0] == 0x20 }) else { return }
    index += 1
    while index < end, line[index] >= UInt8(ascii: "0"), line[index] <= UInt8(ascii: "9"), response.status < 1000 {
      response.status = response.status * 10 + Int(line[index] - UInt8(ascii: "0"))
      index += 1
    }
    if index + 1 < end { response.reason = Self.text(line, index + 1..<end) }
  }

  private mutating func readField(_ line: Span<UInt8>, _ end: Int) {
    guard let (name, value) = Self.field(line, end) else { return }
    if name.utf8.count == "content-length".utf8.count, name.lowercased() == "content-length" {
      let isNumber = !value.isEmpty && value.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      let other = response.headers.first("content-length")
      if !isNumber || other.map({ $0 != value }) == true { hasUnclearLength = true }
    }
    response.headers.append(name, value)
  }

  /// Takes a line that goes on with the field before it
  /// ([RFC 9112, section 5.2](https://www.rfc-editor.org/rfc/rfc9112#section-5.2)).
  private mutating func goOn(_ line: Span<UInt8>, _ end: Int) {
    guard let start = (0..<end).first(where: { line[$0] != 0x20 && line[$0] != 0x09 }) else { return }
    response.headers.extendLast(by: " " + Self.text(line, start..<end))
  }

  /// Reads a line with its end as a field; passes over what is none.
  static func readField(_ line: Span<UInt8>, into headers: inout HTTPHeaders) {
    var end = line.count
    while end > 0, line[end - 1] == 0x0A || line[end - 1] == 0x0D { end -= 1 }
    if let (name, value) = field(line, end) { headers.append(name, value) }
  }

  private static func field(_ line: Span<UInt8>, _ end: Int) -> (name: String, value: String)? {
    guard let colon = (0..<end).first(where: { line[$0] == UInt8(ascii: ":") }), colon > 0 else { return nil }
    var start = colon + 1
    var end = end
    while start < end, line[start] == 0x20 || line[start] == 0x09 { start += 1 }
    while end > start, line[end - 1] == 0x20 || line[end - 1] == 0x09 { end -= 1 }
    return (text(line, 0..<colon), text(line, start..<end))
  }

  private static func text(_ line: Span<UInt8>, _ range: Range<Int>) -> String {
    unsafe line.extracting(range).withUnsafeBufferPointer { unsafe FieldCoding.text($0) }
  }
}
