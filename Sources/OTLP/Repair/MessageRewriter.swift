import JSON
import Protobuf

/// Copies the messages of a request with the repairs that ``OTLPRepair`` lists.
struct MessageRewriter: ~Escapable {
  let bytes: Span<UInt8>
  var writer: NestedMessageWriter
  var rejected: [RejectedSpan] = []
  /// How many spans were met so far.
  var spanCount = 0
  /// The `ResourceSpans` message that is being copied.
  private(set) var resourceSpans = 0..<0 {
    didSet { resourceRollout = nil }
  }
  /// The rollout of its resource, once somebody has looked for it.
  var resourceRollout: String??

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>) {
    self.bytes = bytes
    writer = NestedMessageWriter(reservingCapacity: bytes.count)
  }

  /// Copies the fields of a message.
  ///
  /// - Parameters:
  ///   - depth: How many AnyValues are open.
  ///   - omitted: A bit for each field number to leave out.
  @_lifetime(self: copy self)
  mutating func message(_ message: OTLPMessage, _ parts: MessageParts, depth: Int, omitting omitted: UInt32 = 0)
    throws(ProtobufError)
  {
    let last = try lastOccurrences(message, parts)
    for index in 0..<parts.count {
      var reader = ProtobufReader(bytes, at: parts[index])
      var start = reader.position
      while let tag = try reader.nextTag() {
        let content = reader.position
        try reader.skip(tag)
        let whole = start..<reader.position
        start = reader.position
        guard let field = message.field(tag.field) else {
          // Nobody but ourselves may say what a span is answered with.
          if message != .span || tag.field != AnswerField.number { copy(whole) }
          continue
        }
        // Of a field that may occur once only the last occurrence counts.
        guard field.isRepeated || last[message.slot(of: field)] == whole.lowerBound else {
          if message == .anyValue, case .message = field.kind {
            try ValueScan.checkReplaced(field.number, bytes, try payload(at: content), depth: depth)
          }
          continue
        }
        guard omitted & 1 << field.number == 0 else { continue }
        if case .message(let kind) = field.kind {
          try nested(kind, field, try value(of: field, at: content, in: message, parts), depth: depth)
        } else if field.kind == .string {
          string(field, whole, try payload(at: content))
        } else {
          copy(whole)
        }
      }
    }
  }

  /// Finds where the last occurrence of each field starts, and checks the wire types on the way.
  private func lastOccurrences(_ message: OTLPMessage, _ parts: MessageParts) throws(ProtobufError)
    -> InlineArray<17, Int>
  {
    var last = InlineArray<17, Int>(repeating: -1)
    for index in 0..<parts.count {
      var reader = ProtobufReader(bytes, at: parts[index])
      var start = reader.position
      while let tag = try reader.nextTag() {
        if let field = message.field(tag.field) {
          guard field.tag == tag else { throw .wrongWireType(field: tag.field) }
          last[message.slot(of: field)] = start
        } else if tag.field == message.profileIndex, tag.wireType != .varint {
          throw .wrongWireType(field: tag.field)
        }
        try reader.skip(tag)
        start = reader.position
      }
    }
    return last
  }

  /// The parts of a nested message whose last occurrence has its length at an offset.
  private func value(of field: OTLPField, at offset: Int, in message: OTLPMessage, _ parts: MessageParts)
    throws(ProtobufError) -> MessageParts
  {
    if field.isRepeated { return MessageParts(try payload(at: offset)) }
    guard message == .anyValue else { return try parts.merged(field.number, in: bytes)! }
    switch try AnyValueFields(bytes, at: parts) {
    case .array(let parts), .keyValueList(let parts): return parts
    default: preconditionFailure("the last member of the oneof is a message")
    }
  }

  private func payload(at offset: Int) throws(ProtobufError) -> Range<Int> {
    var reader = ProtobufReader(bytes, at: offset..<bytes.count)
    return try reader.lengthDelimited()
  }

  @_lifetime(self: copy self)
  private mutating func nested(_ message: OTLPMessage, _ field: OTLPField, _ parts: MessageParts, depth: Int)
    throws(ProtobufError)
  {
    let depth = message == .anyValue ? depth + 1 : depth
    guard depth <= OTLPMessage.maximumValueDepth else { throw .tooDeep }
    let start = writer.output.bytes.count
    let mark = writer.begin(field.number, expecting: parts.byteCount)
    let isKept: Bool
    switch message {
    case .span: isKept = try span(parts[0])
    case .resourceSpans:
      resourceSpans = parts[0]
      try self.message(message, parts, depth: depth)
      isKept = true
    case .link:
      try self.message(message, parts, depth: depth)
      isKept = try LinkFields(bytes, at: parts[0]).hasValidIdentifiers(bytes)
    default:
      try self.message(message, parts, depth: depth)
      isKept = true
    }
    writer.end(mark)
    if !isKept { writer.output.bytes.removeLast(writer.output.bytes.count - start) }
  }

  private mutating func string(_ field: OTLPField, _ whole: Range<Int>, _ payload: Range<Int>) {
    guard !UTF8Text.isWellFormed(bytes, at: payload) else { return copy(whole) }
    let mark = writer.begin(field.number, expecting: payload.count)
    UTF8Text.appendRepaired(bytes, at: payload, to: &writer.output.bytes)
    writer.end(mark)
  }

  private mutating func copy(_ range: Range<Int>) { writer.output.append(bytes.extracting(range)) }
}

extension OTLPMessage {
  /// The field that refers to the string table of profiles (`key_strindex`, `string_value_strindex`).
  ///
  /// It means nothing outside of them, but has a type.
  fileprivate var profileIndex: UInt32? {
    switch self {
    case .keyValue: 3
    case .anyValue: 8
    default: nil
    }
  }

  /// Which of the places for "last occurrence" a field uses: the members of a oneof share one.
  fileprivate func slot(of field: OTLPField) -> Int { self == .anyValue ? 0 : Int(field.number) }
}
