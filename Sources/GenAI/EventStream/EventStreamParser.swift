/// Cuts an event stream into records, whatever the pieces are in which it comes.
///
/// Works on bytes, so that a character may be split between pieces.
/// [HTML, 9.2.6](https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation)
package struct EventStreamParser {
  private let recordBytes: Int
  // A line that has not ended.
  private var line = LineBuffer()
  private var data: [UInt8] = []
  private var hasData = false
  // A CR has ended a line; an LF that follows belongs to it.
  private var hasSeenCarriageReturn = false
  private var isFirstLine: Bool

  /// Whether a record, or a line of it, was larger than `recordBytes`; nothing is read from then on.
  private(set) var isOverflown = false

  /// - Parameters:
  ///   - recordBytes: The largest record that is read.
  ///   - isStart: Whether the stream begins here, where a byte order mark may stand.
  package init(recordBytes: Int, isStart: Bool = true) {
    self.recordBytes = recordBytes
    isFirstLine = isStart
  }

  /// Takes the next piece of the stream.
  ///
  /// - Parameter body: Gets the `data` of each record that has ended.
  package mutating func push(_ bytes: Span<UInt8>, _ body: (consuming [UInt8]) -> Void) {
    var start = 0
    var position = 0
    let count = bytes.count
    while position < count, !isOverflown {
      let byte = bytes[position]
      position += 1
      guard byte == 0x0A || byte == 0x0D else {
        hasSeenCarriageReturn = false
        continue
      }
      defer { start = position }
      if byte == 0x0A, hasSeenCarriageReturn {
        hasSeenCarriageReturn = false
        continue
      }
      hasSeenCarriageReturn = byte == 0x0D
      endLine(bytes.extracting(start..<position - 1), body)
    }
    if start < count, fits(count - start) { line.append(bytes.extracting(start..<count)) }
  }

  /// Whether a record has begun whose end has not come.
  var hasUnfinishedRecord: Bool { hasData || !line.isEmpty }

  /// The `data` so far of the record that has not ended, with its last line if that has none.
  package var unfinishedData: [UInt8] {
    var copy = self
    let nothing: [UInt8] = []
    if !copy.line.isEmpty { copy.endLine(nothing.span) { _ in } }
    return copy.data
  }

  private mutating func endLine(_ tail: Span<UInt8>, _ body: (consuming [UInt8]) -> Void) {
    // By the whole line, and also where it came at once: what is recorded must not depend on the pieces.
    guard fits(tail.count) else { return }
    if line.isEmpty {
      interpret(tail, body)
    } else {
      line.append(tail)
      let whole = line.take()
      interpret(whole.span, body)
    }
  }

  private mutating func interpret(_ line: Span<UInt8>, _ body: (consuming [UInt8]) -> Void) {
    var line = line
    if isFirstLine {
      isFirstLine = false
      if Self.starts(line, with: "\u{FEFF}") { line = line.extracting(3...) }
    }
    guard !line.isEmpty else { return dispatch(body) }
    // Only `data` is of interest: the name of an event is repeated inside it by all APIs.
    guard Self.starts(line, with: "data") else { return }
    var value = line.extracting(4...)
    if !value.isEmpty {
      guard value[0] == UInt8(ascii: ":") else { return }
      value = value.extracting(1...)
      if !value.isEmpty, value[0] == UInt8(ascii: " ") { value = value.extracting(1...) }
    }
    if hasData { data.append(0x0A) }
    hasData = true
    Self.append(value, to: &data)
  }

  private mutating func dispatch(_ body: (consuming [UInt8]) -> Void) {
    guard hasData else { return }
    hasData = false
    var record: [UInt8] = []
    swap(&record, &data)
    body(record)
  }

  /// Whether the record may grow by so much; if not, reading ends.
  private mutating func fits(_ count: Int) -> Bool {
    if line.count + data.count + count > recordBytes {
      isOverflown = true
      (line, data, hasData) = (LineBuffer(), [], false)
    }
    return !isOverflown
  }

  private static func append(_ bytes: Span<UInt8>, to buffer: inout [UInt8]) {
    unsafe bytes.withUnsafeBufferPointer { unsafe buffer.append(contentsOf: $0) }
  }

  private static func starts(_ line: Span<UInt8>, with prefix: StaticString) -> Bool {
    guard line.count >= prefix.utf8CodeUnitCount else { return false }
    for index in 0..<prefix.utf8CodeUnitCount {
      guard unsafe line[index] == prefix.utf8Start[index] else { return false }
    }
    return true
  }
}
