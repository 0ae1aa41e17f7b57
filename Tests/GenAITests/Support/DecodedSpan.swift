import JSON
import Protobuf

/// What an `ExportTraceServiceRequest` holds, read without the code that wrote it.
struct DecodedRequest {
  var resource: [String: DecodedSpan.Value] = [:]
  var scopeName = ""
  var scopeVersion = ""
  var schemaURL = ""
  var spans: [DecodedSpan] = []

  init(_ bytes: [UInt8]) throws {
    let resourceSpans = try Fields(bytes).message(1)
    for attribute in try resourceSpans.message(1).all(1) {
      let (key, value) = try DecodedSpan.attribute(attribute)
      resource[key] = value
    }
    let scopeSpans = try resourceSpans.message(2)
    scopeName = try scopeSpans.message(1).text(1)
    scopeVersion = try scopeSpans.message(1).text(2)
    schemaURL = scopeSpans.text(3)
    spans = try scopeSpans.all(2).map { try DecodedSpan($0) }
  }
}

struct DecodedSpan: Equatable {
  enum Value: Equatable {
    case text(String)
    case bool(Bool)
    case integer(Int64)
    case double(Double)
    case array([Value])
  }

  var traceID: [UInt8]
  var spanID: [UInt8]
  var traceState: String
  var parentID: [UInt8]
  var name: String
  var kind: UInt64
  var start: UInt64
  var end: UInt64
  var flags: UInt64
  var statusCode: UInt64
  var statusMessage: String
  var links: [[[UInt8]]]
  var attributes: [String: Value] = [:]

  init(_ fields: Fields) throws {
    traceID = fields.bytes(1)
    spanID = fields.bytes(2)
    traceState = fields.text(3)
    parentID = fields.bytes(4)
    name = fields.text(5)
    kind = fields.number(6)
    start = fields.number(7)
    end = fields.number(8)
    flags = fields.number(16)
    let status = try fields.message(15)
    statusCode = status.number(3)
    statusMessage = status.text(2)
    links = try fields.all(13).map { [$0.bytes(1), $0.bytes(2)] }
    for attribute in try fields.all(9) {
      let (key, value) = try Self.attribute(attribute)
      guard attributes.updateValue(value, forKey: key) == nil else { throw Repeated(key: key) }
    }
  }

  struct Repeated: Error { let key: String }
  struct UnknownValue: Error {}

  static func attribute(_ fields: Fields) throws -> (String, Value) {
    (fields.text(1), try value(try fields.message(2)))
  }

  private static func value(_ fields: Fields) throws -> Value {
    guard let field = fields.values.first?.field else { throw UnknownValue() }
    switch field {
    case 1: return .text(fields.text(1))
    case 2: return .bool(fields.number(2) != 0)
    case 3: return .integer(Int64(bitPattern: fields.number(3)))
    case 4: return .double(Double(bitPattern: fields.number(4)))
    case 5: return .array(try fields.message(5).all(1).map { try value($0) })
    default: throw UnknownValue()
    }
  }

  func text(_ key: String) -> String? { if case .text(let text)? = attributes[key] { text } else { nil } }
  func json(_ key: String) throws -> JSONValue { try JSONValue(text: text(key) ?? "null") }
}

/// The fields of one message in their order.
struct Fields {
  enum Content { case number(UInt64), bytes([UInt8]) }

  var values: [(field: UInt32, content: Content)] = []

  init(_ message: [UInt8]) throws {
    var reader = ProtobufReader(message.span)
    while let tag = try reader.nextTag() {
      switch tag.wireType {
      case .varint: values.append((tag.field, .number(try reader.varint())))
      case .fixed64: values.append((tag.field, .number(try reader.fixed64())))
      case .fixed32: values.append((tag.field, .number(UInt64(try reader.fixed32()))))
      case .lengthDelimited: values.append((tag.field, .bytes(Array(message[try reader.lengthDelimited()]))))
      default: try reader.skip(tag)
      }
    }
  }

  func number(_ field: UInt32) -> UInt64 {
    if case .number(let number)? = values.last(where: { $0.field == field })?.content { number } else { 0 }
  }

  func bytes(_ field: UInt32) -> [UInt8] {
    if case .bytes(let bytes)? = values.last(where: { $0.field == field })?.content { bytes } else { [] }
  }

  func text(_ field: UInt32) -> String { String(decoding: bytes(field), as: UTF8.self) }
  func message(_ field: UInt32) throws -> Fields { try Fields(bytes(field)) }

  func all(_ field: UInt32) throws -> [Fields] {
    try values.compactMap { value in
      guard value.field == field, case .bytes(let bytes) = value.content else { return nil }
      return try Fields(bytes)
    }
  }
}
