import JSON
import OTLP
import Protobuf

/// A tag that is looked for: its key, and its value as the text that a page shows.
struct TagCondition: Sendable {
  let key: [UInt8]
  let value: [UInt8]
  private let integer: Int64?
  private let double: Double?

  init(_ key: String, _ value: String) {
    self.key = Array(key.utf8)
    self.value = Array(value.utf8)
    integer = Int64(value)
    double = Double(value)
  }

  /// Whether this is the key of a tag that is made for the page, and has its value.
  func holds(for key: StaticString, _ text: StaticString) -> Bool {
    isFor(key) && value.span.equals(text, at: 0..<value.count)
  }

  func holds(for key: StaticString, _ bytes: Span<UInt8>, _ text: Range<Int>) -> Bool {
    isFor(key) && !text.isEmpty && bytes.equals(value, at: text)
  }

  private func isFor(_ wanted: StaticString) -> Bool { key.span.equals(wanted, at: 0..<key.count) }

  /// Whether tags of this key can be made of something else than an attribute.
  var canBeMade: Bool {
    let made: [StaticString] = [
      "otel.scope.name", "otel.scope.version", "span.kind", "otel.status_code", "otel.status_description", "error",
      "w3c.tracestate", "event",
    ]
    return made.contains { isFor($0) }
  }

  /// Whether only a string can be shown as the value.
  ///
  /// Then the text stands in the bytes of the span as it is.
  var isText: Bool {
    guard integer == nil, double == nil, let first = value.first else { return false }
    // Their texts are made of numbers.
    if isFor("span.kind") || isFor("otel.status_code") { return false }
    if value.elementsEqual("true".utf8) || value.elementsEqual("false".utf8) { return false }
    // A list or a map, or bytes in base64.
    return first != UInt8(ascii: "[") && first != UInt8(ascii: "{") && !value.count.isMultiple(of: 4)
  }

  /// Whether a `KeyValue` message is the tag.
  func holds(for bytes: Span<UInt8>, at range: Range<Int>) throws(ProtobufError) -> Bool {
    let attribute = try KeyValueFields(bytes, at: range)
    guard bytes.equals(key, at: attribute.key) else { return false }
    return try isValue(bytes, attribute.value)
  }

  /// Whether an attribute value is shown as the text.
  private func isValue(_ bytes: Span<UInt8>, _ parts: MessageParts?) throws(ProtobufError) -> Bool {
    guard let parts else { return value.isEmpty }
    let fields = try AnyValueFields(bytes, at: parts)
    switch fields {
    case .empty: return value.isEmpty
    case .string(let range): return bytes.equals(value, at: range)
    case .bool(let flag): return flag ? value.elementsEqual("true".utf8) : value.elementsEqual("false".utf8)
    case .int(let number): return integer == number
    case .double(let number): return double == number || number.isNaN && value.elementsEqual("NaN".utf8)
    case .bytes(let range):
      var writer = JSONWriter()
      writer.base64(bytes, at: range)
      return writer.bytes.dropFirst().dropLast().elementsEqual(value)
    case .array, .keyValueList: return try PlainJSON.text(bytes, fields) == value
    }
  }
}
