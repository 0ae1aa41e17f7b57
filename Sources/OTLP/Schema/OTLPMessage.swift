/// The messages of an OTLP trace request.
///
/// Their fields stand in ``fields``, which is the schema in one place for everything that is not in the hot path.
///
/// [opentelemetry/proto/trace/v1/trace.proto](https://github.com/open-telemetry/opentelemetry-proto)
package enum OTLPMessage: Int, CaseIterable, Sendable {
  /// `ExportTraceServiceRequest`, and `TracesData`, which has the same fields.
  case request
  case resourceSpans
  case resource
  case entityReference
  case scopeSpans
  case scope
  case span
  case event
  case link
  case status
  case keyValue
  case anyValue
  case arrayValue
  case keyValueList
}

/// One field of a message.
package struct OTLPField: Sendable {
  /// What a field holds.
  package enum Kind: Equatable, Sendable {
    case string
    /// Bytes; base64 in JSON.
    case bytes
    /// Bytes of a trace or span id; hexadecimal in JSON.
    case identifier
    case bool
    case int64
    case uint32
    case double
    case fixed32
    /// 64 bits, unsigned: a time in nanoseconds since the epoch.
    case fixed64
    case enumeration(OTLPEnumeration)
    case message(OTLPMessage)
  }

  /// The number in protobuf.
  package let number: UInt32
  /// The name in JSON, lowerCamelCase.
  package let name: StaticString
  /// What one value of the field is.
  package let kind: Kind
  /// Whether the field is a list.
  package let isRepeated: Bool

  init(_ number: UInt32, _ name: StaticString, _ kind: Kind, isRepeated: Bool = false) {
    self.number = number
    self.name = name
    self.kind = kind
    self.isRepeated = isRepeated
  }
}

/// The enumerations; all are open, so numbers without a name are kept.
package enum OTLPEnumeration: Sendable {
  case spanKind
  case statusCode

  /// The names in the order of their numbers, from 0.
  package var names: [String] { self == .spanKind ? Self.spanKinds : Self.statusCodes }

  private static let spanKinds = [
    "SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT", "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
  ]
  private static let statusCodes = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"]
}
