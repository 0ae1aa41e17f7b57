import JSON
import OTLP
import Protobuf
import Telemetry
import TraceStore

extension JaegerSpanWriter {
  /// Writes the member `tags`: the scope, the span's attributes, kind, status and trace state, and where it belongs.
  static func tags(
    _ bytes: Span<UInt8>, _ span: SpanFields, _ scope: ScopeFields, _ view: SpanView, to writer: inout JSONWriter
  ) throws(ProtobufError) {
    writer.tokens("\"tags\":[")
    if !scope.name.isEmpty { JaegerTagWriter.tag("otel.scope.name", bytes, scope.name, to: &writer) }
    if !scope.version.isEmpty { JaegerTagWriter.tag("otel.scope.version", bytes, scope.version, to: &writer) }
    try attributes(bytes, span.attributes, field: 9, to: &writer)
    if let kind = SpanKindName.text(span.kind) { JaegerTagWriter.tag("span.kind", kind, to: &writer) }
    switch span.statusCode {
    case 1: JaegerTagWriter.tag("otel.status_code", "OK", to: &writer)
    case 2:
      JaegerTagWriter.tag("otel.status_code", "ERROR", to: &writer)
      JaegerTagWriter.trueTag("error", to: &writer)
    default: break
    }
    if !span.statusMessage.isEmpty {
      JaegerTagWriter.tag("otel.status_description", bytes, span.statusMessage, to: &writer)
    }
    if !span.traceState.isEmpty { JaegerTagWriter.tag("w3c.tracestate", bytes, span.traceState, to: &writer) }
    let place = RolloutTags.missing(view, in: bytes, span.attributes)
    if let id = place.rolloutID { JaegerTagWriter.tag(RolloutKey.rollout, id, to: &writer) }
    if let id = place.attemptID { JaegerTagWriter.tag(RolloutKey.attempt, id, to: &writer) }
    if let number = place.sequence { JaegerTagWriter.tag(RolloutKey.sequence, number, to: &writer) }
    writer.endArray()
  }
}

/// The name and the version of an `InstrumentationScope`.
struct ScopeFields {
  var name = 0..<0
  var version = 0..<0

  /// Reads the scope of a `ScopeSpans` message.
  init(_ bytes: Span<UInt8>, at scopeSpans: Range<Int>) throws(ProtobufError) {
    guard let subject = try EnvelopeFields(bytes, at: scopeSpans).subject else { return }
    name = try subject.lastValue(1, in: bytes)
    version = try subject.lastValue(2, in: bytes)
  }
}

/// The name of a span as Jaeger shows it.
enum SpanName {
  /// What is shown for a span without a name.
  static let emptyText: StaticString = "empty-span-name"

  static func shown(_ name: String) -> String { name.isEmpty ? emptyText.description : name }
}

/// `SpanKind` as Jaeger writes it.
enum SpanKindName {
  /// - Returns: `nil` for spans of no kind.
  static func text(_ kind: Int32) -> StaticString? {
    switch kind {
    case 1: "internal"
    case 2: "server"
    case 3: "client"
    case 4: "producer"
    case 5: "consumer"
    default: nil
    }
  }
}
