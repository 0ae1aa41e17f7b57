package import Protobuf

extension OTLPMessage {
  /// The largest field number of the schema.
  static var maximumFieldNumber: UInt32 { 16 }

  /// How many AnyValues may lie inside each other; the value of an attribute is the first.
  ///
  /// Bounds every recursion over a request. Real values stay below 10; protobuf's own limit is 100 messages.
  package static let maximumValueDepth = 100

  /// The fields in the order of their numbers.
  ///
  /// The string table indices of the profiles signal (KeyValue 3, AnyValue 8) are left out: outside profiles they
  /// count as absent.
  package var fields: [OTLPField] { Self.schema[rawValue] }

  /// The field with a number; `nil` when the message has none, so that it is to be skipped.
  package func field(_ number: UInt32) -> OTLPField? {
    number <= Self.maximumFieldNumber ? Self.fieldsByNumber[rawValue][Int(number)] : nil
  }

  private static let fieldsByNumber: [[OTLPField?]] = allCases.map { message in
    (0...maximumFieldNumber).map { number in message.fields.first { $0.number == number } }
  }

  private static let schema: [[OTLPField]] = allCases.map { message in
    switch message {
    case .request: [OTLPField(1, "resourceSpans", .message(.resourceSpans), isRepeated: true)]
    case .resourceSpans:
      [
        OTLPField(1, "resource", .message(.resource)),
        OTLPField(2, "scopeSpans", .message(.scopeSpans), isRepeated: true),
        OTLPField(3, "schemaUrl", .string),
      ]
    case .resource:
      [
        OTLPField(1, "attributes", .message(.keyValue), isRepeated: true),
        OTLPField(2, "droppedAttributesCount", .uint32),
        OTLPField(3, "entityRefs", .message(.entityReference), isRepeated: true),
      ]
    case .entityReference:
      [
        OTLPField(1, "schemaUrl", .string),
        OTLPField(2, "type", .string),
        OTLPField(3, "idKeys", .string, isRepeated: true),
        OTLPField(4, "descriptionKeys", .string, isRepeated: true),
      ]
    case .scopeSpans:
      [
        OTLPField(1, "scope", .message(.scope)),
        OTLPField(2, "spans", .message(.span), isRepeated: true),
        OTLPField(3, "schemaUrl", .string),
      ]
    case .scope:
      [
        OTLPField(1, "name", .string),
        OTLPField(2, "version", .string),
        OTLPField(3, "attributes", .message(.keyValue), isRepeated: true),
        OTLPField(4, "droppedAttributesCount", .uint32),
      ]
    case .span:
      [
        OTLPField(1, "traceId", .identifier),
        OTLPField(2, "spanId", .identifier),
        OTLPField(3, "traceState", .string),
        OTLPField(4, "parentSpanId", .identifier),
        OTLPField(5, "name", .string),
        OTLPField(6, "kind", .enumeration(.spanKind)),
        OTLPField(7, "startTimeUnixNano", .fixed64),
        OTLPField(8, "endTimeUnixNano", .fixed64),
        OTLPField(9, "attributes", .message(.keyValue), isRepeated: true),
        OTLPField(10, "droppedAttributesCount", .uint32),
        OTLPField(11, "events", .message(.event), isRepeated: true),
        OTLPField(12, "droppedEventsCount", .uint32),
        OTLPField(13, "links", .message(.link), isRepeated: true),
        OTLPField(14, "droppedLinksCount", .uint32),
        OTLPField(15, "status", .message(.status)),
        OTLPField(16, "flags", .fixed32),
      ]
    case .event:
      [
        OTLPField(1, "timeUnixNano", .fixed64),
        OTLPField(2, "name", .string),
        OTLPField(3, "attributes", .message(.keyValue), isRepeated: true),
        OTLPField(4, "droppedAttributesCount", .uint32),
      ]
    case .link:
      [
        OTLPField(1, "traceId", .identifier),
        OTLPField(2, "spanId", .identifier),
        OTLPField(3, "traceState", .string),
        OTLPField(4, "attributes", .message(.keyValue), isRepeated: true),
        OTLPField(5, "droppedAttributesCount", .uint32),
        OTLPField(6, "flags", .fixed32),
      ]
    case .status: [OTLPField(2, "message", .string), OTLPField(3, "code", .enumeration(.statusCode))]
    case .keyValue: [OTLPField(1, "key", .string), OTLPField(2, "value", .message(.anyValue))]
    case .anyValue:
      [
        OTLPField(1, "stringValue", .string),
        OTLPField(2, "boolValue", .bool),
        OTLPField(3, "intValue", .int64),
        OTLPField(4, "doubleValue", .double),
        OTLPField(5, "arrayValue", .message(.arrayValue)),
        OTLPField(6, "kvlistValue", .message(.keyValueList)),
        OTLPField(7, "bytesValue", .bytes),
      ]
    case .arrayValue: [OTLPField(1, "values", .message(.anyValue), isRepeated: true)]
    case .keyValueList: [OTLPField(1, "values", .message(.keyValue), isRepeated: true)]
    }
  }
}

extension OTLPField {
  /// How the value is encoded in protobuf.
  package var wireType: ProtobufTag.WireType {
    switch kind {
    case .string, .bytes, .identifier, .message: .lengthDelimited
    case .bool, .int64, .uint32, .enumeration: .varint
    case .double, .fixed64: .fixed64
    case .fixed32: .fixed32
    }
  }

  /// The tag that stands before the value in protobuf.
  package var tag: ProtobufTag { ProtobufTag(number, wireType) }
}
