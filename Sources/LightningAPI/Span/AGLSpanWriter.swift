package import JSON
import OTLP
package import Protobuf

/// Writes spans as the `Span` objects that Agent Lightning 0.3 answers with, straight from the wire format.
///
/// The real client validates each answer as a whole, so a single value that its model does not know would cost all
/// spans: see ``AGLAttributeWriter`` for what becomes of those. What the model has no key for follows after the known
/// keys: `kind`, `instrumentation_scope`, and when they are not empty `trace_state`, `flags` and the dropped counts.
/// The client keeps such keys and ignores them.
///
/// A span that came as JSON is answered with what it said: see ``AnswerField``.
///
/// One writer serves many spans; it keeps its working memory.
package struct AGLSpanWriter {
  var attributes = AGLAttributeWriter()

  /// Makes a writer without working memory; it comes with use.
  package init() {}

  /// Appends a `Span` message as an object.
  ///
  /// When it throws, what it appended is taken back.
  ///
  /// - Parameters:
  ///   - range: Where the message lies.
  ///   - envelope: The resource and scope of the span.
  package mutating func append(
    _ bytes: Span<UInt8>, at range: Range<Int>, tags: AGLSpanTags, envelope: AGLSpanEnvelope,
    to writer: inout JSONWriter
  ) throws(ProtobufError) {
    let count = writer.bytes.count
    do throws(ProtobufError) {
      try write(bytes, try SpanFields(bytes, at: range), tags, envelope, to: &writer)
    } catch {
      writer.bytes.removeLast(writer.bytes.count - count)
      throw error
    }
  }

  private mutating func write(
    _ bytes: Span<UInt8>, _ span: SpanFields, _ tags: AGLSpanTags, _ envelope: AGLSpanEnvelope,
    to writer: inout JSONWriter
  ) throws(ProtobufError) {
    writer.json(tags.owner.span)
    writer.tokens("\"sequence_id\":")
    writer.integer(tags.sequenceID)
    if !span.answer.isEmpty {
      writer.json(bytes.extracting(span.answer))
      writer.endObject()
      return
    }
    writeIdentifiers(bytes, traceID: span.traceID, spanID: span.spanID, to: &writer)
    if span.parentSpanID.isEmpty {
      writer.tokens("\"parent_id\":null")
    } else {
      writer.tokens("\"parent_id\":")
      writer.hexadecimal(bytes, at: span.parentSpanID)
    }
    writer.tokens("\"name\":")
    writer.string(bytes, at: span.name)
    writeStatus(bytes, span, to: &writer)
    writer.tokens("\"attributes\":")
    try attributes.write(bytes, span.attributes, field: 9, to: &writer)
    try writeEvents(bytes, span.events, to: &writer)
    try writeLinks(bytes, span.links, to: &writer)
    writer.tokens("\"start_time\":")
    writer.seconds(span.startTime)
    writer.tokens("\"end_time\":")
    writer.seconds(span.endTime)
    writer.tokens("\"context\":")
    writeContext(bytes, traceID: span.traceID, spanID: span.spanID, to: &writer)
    writer.tokens("\"parent\":null,\"resource\":")
    writer.json(envelope.resource.span)
    writer.tokens("\"kind\":")
    writer.integer(Int64(span.kind))
    writer.tokens("\"instrumentation_scope\":")
    writer.json(envelope.scope.span)
    writeExtras(bytes, span, to: &writer)
    writer.endObject()
  }

  private func writeStatus(_ bytes: Span<UInt8>, _ span: SpanFields, to writer: inout JSONWriter) {
    // The client's model is a closed enumeration; a code that OTLP does not have says nothing.
    switch span.statusCode {
    case 1: writer.tokens("\"status\":{\"status_code\":\"OK\",\"description\":")
    case 2: writer.tokens("\"status\":{\"status_code\":\"ERROR\",\"description\":")
    default: writer.tokens("\"status\":{\"status_code\":\"UNSET\",\"description\":")
    }
    if span.statusMessage.isEmpty { return writer.continuation("null}") }
    writer.string(bytes, at: span.statusMessage)
    writer.endObject()
  }

  func writeContext(
    _ bytes: Span<UInt8>, traceID: Range<Int>, spanID: Range<Int>, to writer: inout JSONWriter
  ) {
    writer.beginObject()
    writeIdentifiers(bytes, traceID: traceID, spanID: spanID, to: &writer)
    writer.tokens("\"is_remote\":false,\"trace_state\":{}}")
  }

  private func writeIdentifiers(
    _ bytes: Span<UInt8>, traceID: Range<Int>, spanID: Range<Int>, to writer: inout JSONWriter
  ) {
    writer.tokens("\"trace_id\":")
    writer.hexadecimal(bytes, at: traceID)
    writer.tokens("\"span_id\":")
    writer.hexadecimal(bytes, at: spanID)
  }

  private func writeExtras(_ bytes: Span<UInt8>, _ span: SpanFields, to writer: inout JSONWriter) {
    writer.text("trace_state", bytes, at: span.traceState)
    writer.count("flags", span.flags)
    writer.count("dropped_attributes_count", span.droppedAttributesCount)
    writer.count("dropped_events_count", span.droppedEventsCount)
    writer.count("dropped_links_count", span.droppedLinksCount)
  }
}
