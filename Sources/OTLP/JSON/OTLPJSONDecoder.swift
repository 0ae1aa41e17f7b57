import JSON
import Protobuf

/// Turns an OTLP/JSON trace request into the protobuf wire format, in one pass and without a tree.
///
/// Accepts what the proto3 JSON mapping and its changes in OTLP allow, and what real senders write: identifiers in
/// either case of hexadecimal, integers as numbers or strings, integral exponents, enumeration names, base64 of either
/// alphabet with or without padding, `null` for an absent field. Unknown fields are skipped. Keys that repeat mean what
/// fields that repeat mean in protobuf: the last scalar wins, messages merge, lists go on.
///
/// An identifier that is not hexadecimal becomes one of invalid length, so that only its span is refused later.
///
/// [OTLP/JSON](https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding)
package struct OTLPJSONDecoder: ~Escapable {
  var reader: JSONReader
  var writer: NestedMessageWriter

  /// Turns an `ExportTraceServiceRequest` in JSON into its protobuf encoding.
  package static func transcode(_ json: Span<UInt8>) throws(OTLPJSONError) -> [UInt8] {
    var decoder = OTLPJSONDecoder(json)
    do throws(JSONError) {
      try decoder.message(.request, valueDepth: 0)
      try decoder.reader.finish()
    } catch {
      throw OTLPJSONError(error)
    }
    return decoder.writer.output.bytes
  }

  @_lifetime(copy json)
  private init(_ json: Span<UInt8>) {
    reader = JSONReader(json)
    // Field names and quotation marks are gone in protobuf. Capped, because a body can also be all white space.
    writer = NestedMessageWriter(reservingCapacity: min(json.count / 2, 1 << 20))
  }

  /// Reads an object and writes the fields of the message.
  ///
  /// - Parameter valueDepth: How many AnyValues are open.
  @_lifetime(self: copy self)
  mutating func message(_ message: OTLPMessage, valueDepth: Int) throws(JSONError) {
    let fields = message.fields
    // The numbers of the fields that were written: only the first occurrence may leave out a default value, because
    // a later one is there to replace another value.
    var written: UInt32 = message == .anyValue ? .max : 0
    try reader.beginObject()
    while let key = try reader.nextKey() {
      guard let index = fields.firstIndex(where: { reader.text(key, equals: $0.name) }) else {
        try reader.skipValue()
        continue
      }
      let field = fields[index]
      guard try reader.nextKind() != .null else {
        try reader.null()
        // In a oneof null unsets nothing: `{"doubleValue":null}` is an empty value.
        continue
      }
      guard field.isRepeated else {
        try value(field, isDefaultWritten: written & 1 << field.number != 0, valueDepth: valueDepth)
        written |= 1 << field.number
        continue
      }
      try reader.beginArray()
      while try reader.nextElement() { try element(field, valueDepth: valueDepth) }
    }
  }

  /// Reads an element of a list; `null` is an element with nothing set.
  @_lifetime(self: copy self)
  private mutating func element(_ field: OTLPField, valueDepth: Int) throws(JSONError) {
    guard try reader.nextKind() == .null else {
      return try value(field, isDefaultWritten: true, valueDepth: valueDepth)
    }
    try reader.null()
    writer.end(writer.begin(field.number, expecting: 0))
  }

  /// Reads a value and writes it as a field.
  ///
  /// - Parameter isDefaultWritten: Whether the field is written although it has the default value.
  @_lifetime(self: copy self)
  private mutating func value(_ field: OTLPField, isDefaultWritten: Bool, valueDepth: Int) throws(JSONError) {
    if case .message(let message) = field.kind {
      return try nested(message, field, valueDepth: valueDepth)
    }
    let start = writer.output.bytes.count
    let isDefault = try scalar(field)
    if isDefault && !isDefaultWritten { writer.output.bytes.removeLast(writer.output.bytes.count - start) }
  }

  @_lifetime(self: copy self)
  private mutating func nested(_ message: OTLPMessage, _ field: OTLPField, valueDepth: Int) throws(JSONError) {
    let depth = message == .anyValue ? valueDepth + 1 : valueDepth
    guard depth <= OTLPMessage.maximumValueDepth else { throw JSONError(.tooDeep, at: reader.position) }
    // Few levels are moved when their length needs more than one byte; deep ones have room for any length.
    let mark = depth <= 4 ? writer.begin(field.number, expecting: 0) : writer.beginPadded(field.number)
    try self.message(message, valueDepth: depth)
    writer.end(mark)
  }
}
