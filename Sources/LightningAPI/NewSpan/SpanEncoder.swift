import JSON
import OTLP
import Protobuf
import Telemetry

/// Writes a span that came as JSON as an `ExportTraceServiceRequest` with this one span, for the log.
///
/// It holds what OTLP has fields for, so that whoever reads the log or queries it over OTLP finds the span there. What
/// Agent Lightning's own clients read is the ``AnswerField``.
struct SpanEncoder {
  let span: SentSpan
  var writer: ProtobufWriter

  private var document: JSONDocument { span.document }

  static func request(_ span: SentSpan) -> [UInt8] {
    var encoder = SpanEncoder(
      span: span, writer: ProtobufWriter(reservingCapacity: span.document.bytes.count + span.answer.count + 256))
    let resourceSpans = encoder.writer.beginMessage(1)
    encoder.resource()
    let scopeSpans = encoder.writer.beginMessage(2)
    let message = encoder.writer.beginMessage(2)
    encoder.fields()
    encoder.writer.endMessage(message)
    encoder.writer.endMessage(scopeSpans)
    encoder.schemaURL()
    encoder.writer.endMessage(resourceSpans)
    return encoder.writer.bytes
  }

  // MARK: ResourceSpans

  /// `Resource resource = 1`.
  private mutating func resource() {
    let resource = writer.beginMessage(1)
    if let attributes = document.member(span.place(SentSpan.Member.resource), "attributes") {
      self.attributes(1, attributes)
    }
    writer.endMessage(resource)
  }

  /// `string schema_url = 3`.
  private mutating func schemaURL() {
    guard let url = document.member(span.place(SentSpan.Member.resource), "schema_url") else { return }
    string(3, url)
  }

  // MARK: Span

  private mutating func fields() {
    typealias Member = SentSpan.Member
    let traceID = ForeignIdentifier.traceID(span.traceID)
    self.traceID(1, traceID)
    spanID(2, ForeignIdentifier.spanID(span.spanID))
    if document.kind(span.place(Member.context)) == .object { traceState(3, span.place(Member.context)) }
    let parent = ForeignIdentifier.parentID(span.parentID)
    if parent != 0 { spanID(4, parent) }
    string(5, span.place(Member.name))
    let kind = SentSpanKind.number(document, span.members.extras)
    if kind != 0 { writer.varintField(6, kind) }
    time(7, span.place(Member.startTime))
    time(8, span.place(Member.endTime))
    attributes(9, span.place(Member.attributes), isSpan: true)
    for event in document.elements(span.place(Member.events)) { self.event(event) }
    for link in document.elements(span.place(Member.links)) { self.link(link) }
    status(span.place(Member.status))
    let answer = span.answer
    writer.bytesField(AnswerField.number, answer.span)
  }

  /// `Event`.
  private mutating func event(_ place: Int) {
    let event = writer.beginMessage(11)
    if let timestamp = document.member(place, "timestamp") { time(1, timestamp) }
    if let name = document.member(place, "name") { string(2, name) }
    if let attributes = document.member(place, "attributes") { self.attributes(3, attributes) }
    writer.endMessage(event)
  }

  /// `Link`.
  private mutating func link(_ place: Int) {
    guard let context = document.member(place, "context") else { return }
    let link = writer.beginMessage(13)
    if let id = document.member(context, "trace_id") { traceID(1, ForeignIdentifier.traceID(document.string(id))) }
    if let id = document.member(context, "span_id") { spanID(2, ForeignIdentifier.spanID(document.string(id))) }
    traceState(3, context)
    if let attributes = document.member(place, "attributes"), document.kind(attributes) == .object {
      self.attributes(4, attributes)
    }
    writer.endMessage(link)
  }

  /// `Status status = 15`.
  private mutating func status(_ place: Int) {
    let status = writer.beginMessage(15)
    if let description = document.member(place, "description"), document.isString(description) {
      string(2, description)
    }
    if let code = document.member(place, "status_code") {
      let number: UInt64 = document.string(code, equals: "OK") ? 1 : document.string(code, equals: "ERROR") ? 2 : 0
      if number != 0 { writer.varintField(3, number) }
    }
    writer.endMessage(status)
  }
}
