import Protobuf

/// Checks attribute values: wire types, depth, and whether strings are UTF-8.
///
/// [common.proto](https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/common/v1/common.proto)
struct ValueScan: Sendable {
  /// Levels of `AnyValue` that are followed.
  let maximumDepth: Int
  /// Whether spans may have an ``AnswerField``.
  var allowsAnswers = true
  /// Whether all that was seen so far can be kept as it is.
  var isClean = true

  /// Where the key and the value of a `KeyValue` lie.
  struct KeyValue {
    /// The bytes of `string key = 1`.
    var key: Range<Int>
    /// `AnyValue value = 2`; empty when there is none.
    var value: Range<Int>
  }

  /// Checks one `KeyValue` and finds its parts.
  ///
  /// Every encoder writes the key, then the value, and both are mostly short: this way needs no loop over the fields.
  @inline(__always)
  mutating func keyValue(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(ProtobufError) -> KeyValue {
    let end = range.upperBound
    guard let key = shortField(bytes, 0x0A, at: range.lowerBound, end), key.upperBound &+ 2 <= end,
      unsafe bytes[unchecked: key.upperBound] == 0x12
    else { return try anyKeyValue(bytes, range, depth: 0) }
    var reader = ProtobufReader(bytes, at: key.upperBound &+ 1..<end)
    let value = try reader.lengthDelimited()
    guard value.upperBound == end else { return try anyKeyValue(bytes, range, depth: 0) }
    string(bytes, key)
    try scalarOrAnyValue(bytes, value)
    return KeyValue(key: key, value: value)
  }

  /// A length-delimited field with this tag and a length of one byte.
  @inline(__always)
  private func shortField(_ bytes: Span<UInt8>, _ tag: UInt8, at start: Int, _ end: Int) -> Range<Int>? {
    // The caller's range lies inside the span.
    guard end &- start >= 2, unsafe bytes[unchecked: start] == tag else { return nil }
    let length = Int(unsafe bytes[unchecked: start &+ 1])
    guard length < 0x80, end &- start &- 2 >= length else { return nil }
    return unsafe Range(uncheckedBounds: (start &+ 2, start &+ 2 &+ length))
  }

  /// Checks an `AnyValue`; one that holds a single string or number needs no loop over the fields.
  @inline(__always)
  private mutating func scalarOrAnyValue(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(ProtobufError) {
    guard range.count >= 2 else { return try anyValue(bytes, range, depth: 0) }
    var reader = ProtobufReader(bytes, at: range.lowerBound &+ 1..<range.upperBound)
    switch unsafe bytes[unchecked: range.lowerBound] {
    case 0x0A:
      let text = try reader.lengthDelimited()
      guard reader.position == range.upperBound else { return try anyValue(bytes, range, depth: 0) }
      string(bytes, text)
    case 0x10, 0x18:
      _ = try reader.varint()
      guard reader.position == range.upperBound else { return try anyValue(bytes, range, depth: 0) }
    default:
      try anyValue(bytes, range, depth: 0)
    }
  }

  /// Checks one `KeyValue` with its fields in any order.
  ///
  /// Of repeated keys the last counts. Repeated values would have to be merged, which is left to the rewriting.
  @inline(never)
  private mutating func anyKeyValue(_ bytes: Span<UInt8>, _ range: Range<Int>, depth: Int) throws(ProtobufError)
    -> KeyValue
  {
    let empty = unsafe Range(uncheckedBounds: (range.lowerBound, range.lowerBound))
    var result = KeyValue(key: empty, value: empty)
    var hasValue = false
    var reader = ProtobufReader(bytes, at: range)
    while let tag = try reader.nextTag() {
      switch tag.rawValue {
      case ProtobufTag.lengthDelimited(1).rawValue:
        result.key = try reader.lengthDelimited()
        string(bytes, result.key)
      case ProtobufTag.lengthDelimited(2).rawValue:
        if hasValue { isClean = false }
        hasValue = true
        result.value = try reader.lengthDelimited()
        try anyValue(bytes, result.value, depth: depth)
      // key_strindex, which only profiles use.
      case ProtobufTag.varint(3).rawValue: _ = try reader.varint()
      default:
        try skip(tag, knownFields: 3, &reader)
      }
    }
    return result
  }

  /// Checks one `AnyValue`.
  ///
  /// - Parameter depth: How many others it lies in.
  @inline(never)
  private mutating func anyValue(_ bytes: Span<UInt8>, _ range: Range<Int>, depth: Int) throws(ProtobufError) {
    guard depth < maximumDepth else { throw .tooDeep }
    var reader = ProtobufReader(bytes, at: range)
    while let tag = try reader.nextTag() {
      switch tag.rawValue {
      case ProtobufTag.lengthDelimited(1).rawValue: string(bytes, try reader.lengthDelimited())
      case ProtobufTag.varint(2).rawValue, ProtobufTag.varint(3).rawValue: _ = try reader.varint()
      case ProtobufTag.fixed64(4).rawValue: _ = try reader.fixed64()
      case ProtobufTag.lengthDelimited(5).rawValue: try array(bytes, try reader.lengthDelimited(), depth: depth + 1)
      case ProtobufTag.lengthDelimited(6).rawValue: try keyValues(bytes, try reader.lengthDelimited(), depth: depth + 1)
      case ProtobufTag.lengthDelimited(7).rawValue: _ = try reader.lengthDelimited()
      // string_value_strindex, which only profiles use.
      case ProtobufTag.varint(8).rawValue: _ = try reader.varint()
      default: try skip(tag, knownFields: 8, &reader)
      }
    }
  }

  /// Checks an array or list that another member of the same `AnyValue` replaces: it counts for nothing, but has to be
  /// well-formed like everything else.
  ///
  /// - Parameters:
  ///   - field: The number of the member.
  ///   - depth: How many values it lies in.
  static func checkReplaced(_ field: UInt32, _ bytes: Span<UInt8>, _ range: Range<Int>, depth: Int)
    throws(ProtobufError)
  {
    var scan = ValueScan(maximumDepth: OTLPMessage.maximumValueDepth)
    if field == 5 {
      try scan.array(bytes, range, depth: depth)
    } else {
      try scan.keyValues(bytes, range, depth: depth)
    }
  }

  /// Reads `ArrayValue`.
  ///
  /// `repeated AnyValue values = 1`.
  private mutating func array(_ bytes: Span<UInt8>, _ range: Range<Int>, depth: Int) throws(ProtobufError) {
    var reader = ProtobufReader(bytes, at: range)
    while let tag = try reader.nextTag() {
      if tag == .lengthDelimited(1) {
        try anyValue(bytes, try reader.lengthDelimited(), depth: depth)
      } else {
        try skip(tag, knownFields: 1, &reader)
      }
    }
  }

  /// Reads `KeyValueList`.
  ///
  /// `repeated KeyValue values = 1`.
  private mutating func keyValues(_ bytes: Span<UInt8>, _ range: Range<Int>, depth: Int) throws(ProtobufError) {
    var reader = ProtobufReader(bytes, at: range)
    while let tag = try reader.nextTag() {
      if tag == .lengthDelimited(1) {
        _ = try anyKeyValue(bytes, try reader.lengthDelimited(), depth: depth)
      } else {
        try skip(tag, knownFields: 1, &reader)
      }
    }
  }

  /// Notes a string that is not UTF-8.
  @inline(__always)
  mutating func string(_ bytes: Span<UInt8>, _ range: Range<Int>) {
    if !isValidUTF8(bytes, range) { isClean = false }
  }

  /// Steps over a field that the message does not have.
  ///
  /// A field that it does have came with a wrong wire type; reading on would misread it.
  @inline(__always)
  func skip(_ tag: ProtobufTag, knownFields: UInt32, _ reader: inout ProtobufReader) throws(ProtobufError) {
    guard tag.field > knownFields else { throw .wrongWireType(field: tag.field) }
    try reader.skip(tag)
  }
}
