/// A JSON text with a list of its values, to look at one again and again without a tree.
///
/// A value is named by its place in the list, where it is followed by what it contains: the elements of an array, the
/// keys and values of an object by turns. A place costs 16 bytes; strings and numbers stay in the text until they are
/// asked for.
@frozen public struct JSONDocument: Sendable {
  /// What a value is, as precise as the text says it.
  @frozen public enum Kind: UInt8, Sendable {
    case null, `true`, `false`, integer
    /// A number with a fraction or an exponent.
    case double
    case string
    /// A string of ASCII without escapes, whose bytes are what it says.
    case plainString
    case array, object
  }

  /// One value.
  @frozen @usableFromInline struct Node: Sendable {
    /// Where its text lies; of a string, what is between the quotation marks.
    @usableFromInline var start: UInt32
    @usableFromInline var end: UInt32
    /// The place behind the value and all that it contains.
    @usableFromInline var next: UInt32
    @usableFromInline var kind: Kind
  }

  /// The whole text.
  public let bytes: [UInt8]
  @usableFromInline let nodes: [Node]

  /// The place of the outermost value.
  public static let root = 0

  /// The longest text: offsets are kept in 32 bits.
  public static let maximumSize = Int(UInt32.max)

  /// Reads a text.
  ///
  /// - Parameter maximumDepth: How many arrays and objects may lie inside each other; none of them takes stack.
  /// - Precondition: The text is not longer than ``maximumSize``.
  public init(parsing text: consuming [UInt8], maximumDepth: Int = 512) throws(JSONError) {
    precondition(text.count <= Self.maximumSize, "the text is too long")
    let bytes = text
    nodes = try Self.nodes(of: bytes.span, maximumDepth)
    self.bytes = bytes
  }

  /// Bytes that the list of values takes, beside those of the text.
  public var byteCount: Int { nodes.count * MemoryLayout<Node>.stride }

  private static func nodes(of text: Span<UInt8>, _ maximumDepth: Int) throws(JSONError) -> [Node] {
    var nodes: [Node] = []
    // Some ten bytes for a value are usual.
    nodes.reserveCapacity(text.count / 10 + 8)
    var reader = JSONReader(text, maximumDepth: maximumDepth)
    try read(&reader, into: &nodes)
    try reader.finish()
    return nodes
  }

  private static func read(_ reader: inout JSONReader, into nodes: inout [Node]) throws(JSONError) {
    // The arrays and objects that are open, by their places.
    var open: [Int] = []
    repeat {
      try readValue(&reader, &nodes, &open)
      while let container = open.last {
        if nodes[container].kind == .object {
          if let key = try reader.nextKey() {
            append(key, &nodes)
            break
          }
        } else if try reader.nextElement() {
          break
        }
        nodes[container].end = UInt32(truncatingIfNeeded: reader.position)
        nodes[container].next = UInt32(truncatingIfNeeded: nodes.count)
        open.removeLast()
      }
    } while !open.isEmpty
  }

  @inline(__always)
  private static func readValue(_ reader: inout JSONReader, _ nodes: inout [Node], _ open: inout [Int])
    throws(JSONError)
  {
    let kind = try reader.nextKind()
    let start = reader.position
    switch kind {
    case .string: append(try reader.string(), &nodes)
    case .number:
      let number = try reader.number()
      append(number.isInteger ? .integer : .double, number.range, &nodes)
    case .bool:
      let value = try reader.bool()
      append(value ? .true : .false, start..<reader.position, &nodes)
    case .null:
      try reader.null()
      append(.null, start..<reader.position, &nodes)
    case .array:
      try reader.beginArray()
      open.append(nodes.count)
      append(.array, start..<start, &nodes)
    case .object:
      try reader.beginObject()
      open.append(nodes.count)
      append(.object, start..<start, &nodes)
    }
  }

  @inline(__always)
  private static func append(_ string: JSONString, _ nodes: inout [Node]) {
    append(string.isPlain ? .plainString : .string, string.range, &nodes)
  }

  @inline(__always)
  private static func append(_ kind: Kind, _ range: Range<Int>, _ nodes: inout [Node]) {
    nodes.append(
      Node(
        start: UInt32(truncatingIfNeeded: range.lowerBound), end: UInt32(truncatingIfNeeded: range.upperBound),
        next: UInt32(truncatingIfNeeded: nodes.count + 1), kind: kind))
  }
}
