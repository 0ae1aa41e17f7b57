import JSON
import OTLP
import Protobuf

/// Writes attributes as Jaeger's tags: `{"key":...,"type":...,"value":...}`.
enum JaegerTagWriter {
  /// The largest integer that JavaScript does not round; larger ones are written as strings.
  private static let largestExactInteger: Int64 = 1 << 53 - 1

  /// Writes a tag of our own.
  static func tag(_ key: StaticString, _ value: StaticString, to writer: inout JSONWriter) {
    begin(key, to: &writer)
    writer.tokens("\"type\":\"string\",\"value\":\"")
    writer.continuation(value)
    writer.continuation("\"}")
  }

  static func tag(_ key: StaticString, _ value: String, to writer: inout JSONWriter) {
    begin(key, to: &writer)
    writer.tokens("\"type\":\"string\",\"value\":")
    writer.string(value)
    writer.endObject()
  }

  static func tag(_ key: StaticString, _ bytes: Span<UInt8>, _ value: Range<Int>, to writer: inout JSONWriter) {
    begin(key, to: &writer)
    writer.tokens("\"type\":\"string\",\"value\":")
    writer.string(bytes, at: value)
    writer.endObject()
  }

  static func tag(_ key: StaticString, _ value: Int64, to writer: inout JSONWriter) {
    begin(key, to: &writer)
    integer(value, to: &writer)
    writer.endObject()
  }

  static func trueTag(_ key: StaticString, to writer: inout JSONWriter) {
    begin(key, to: &writer)
    writer.tokens("\"type\":\"bool\",\"value\":true")
    writer.endObject()
  }

  private static func begin(_ key: StaticString, to writer: inout JSONWriter) {
    writer.tokens("{\"key\":\"")
    writer.continuation(key)
    writer.continuation("\"")
  }

  private static func integer(_ value: Int64, to writer: inout JSONWriter) {
    writer.tokens("\"type\":\"int64\",\"value\":")
    if value.magnitude > UInt64(largestExactInteger) { writer.integerString(value) } else { writer.integer(value) }
  }

  /// Writes a `KeyValue` message as a tag.
  static func tag(_ bytes: Span<UInt8>, at range: Range<Int>, to writer: inout JSONWriter) throws(ProtobufError) {
    if let plain = PlainAttribute(bytes, at: range), let text = plain.text {
      writer.strings("{\"key\":", plain.key, ",\"type\":\"string\",\"value\":", text, "}", in: bytes)
      return
    }
    let attribute = try KeyValueFields(bytes, at: range)
    writer.tokens("{\"key\":")
    writer.string(bytes, at: attribute.key)
    try value(bytes, attribute.value, to: &writer)
    writer.endObject()
  }

  private static func value(_ bytes: Span<UInt8>, _ parts: MessageParts?, to writer: inout JSONWriter)
    throws(ProtobufError)
  {
    guard let parts else { return writer.tokens("\"type\":\"string\",\"value\":\"\"") }
    let fields = try AnyValueFields(bytes, at: parts)
    switch fields {
    case .empty: writer.tokens("\"type\":\"string\",\"value\":\"\"")
    case .string(let range):
      writer.tokens("\"type\":\"string\",\"value\":")
      writer.string(bytes, at: range)
    case .bool(let value):
      writer.tokens(value ? "\"type\":\"bool\",\"value\":true" : "\"type\":\"bool\",\"value\":false")
    case .int(let value): integer(value, to: &writer)
    case .double(let value):
      writer.tokens("\"type\":\"float64\",\"value\":")
      writer.double(value)
    case .bytes(let range):
      writer.tokens("\"type\":\"binary\",\"value\":")
      writer.base64(bytes, at: range)
    case .array, .keyValueList:
      writer.tokens("\"type\":\"string\",\"value\":")
      let text = try PlainJSON.text(bytes, fields)
      writer.string(text.span, at: 0..<text.count)
    }
  }
}
