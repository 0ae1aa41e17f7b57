package import JSON
package import Protobuf

/// Writes OTLP/JSON straight from the protobuf wire format, without a model in between.
///
/// The form is fixed: lowerCamelCase names; trace and span ids as lower-case hexadecimal, other bytes as base64;
/// enumerations as numbers; 64-bit integers as strings; non-finite doubles as `"NaN"`, `"Infinity"`, `"-Infinity"`.
/// Proto3 defaults are left out, but a member of a oneof that is set is kept, and a message that is present but empty
/// is `{}`. Fields that are not in the schema are skipped.
///
/// Every function appends to a ``JSONWriter``. When one throws, what it appended is taken back.
///
/// [OTLP/JSON](https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding)
package enum OTLPJSONWriter {
  /// Appends a `Span` message as an object.
  ///
  /// - Parameter attributes: `KeyValue` objects to add to its own, separated by commas.
  package static func appendSpan(
    _ bytes: Span<UInt8>, at range: Range<Int>, adding attributes: [UInt8] = [], to writer: inout JSONWriter
  ) throws(ProtobufError) {
    try transaction(&writer) { writer throws(ProtobufError) in
      try writeSpan(bytes, try SpanFields(bytes, at: range), adding: attributes, to: &writer)
    }
  }

  /// Appends the merged `resource` of a `ResourceSpans` message as an object, `{}` if it has none.
  package static func appendResource(_ bytes: Span<UInt8>, at range: Range<Int>, to writer: inout JSONWriter)
    throws(ProtobufError)
  {
    try transaction(&writer) { writer throws(ProtobufError) in
      try writeResource(bytes, try EnvelopeFields(bytes, at: range).subject, to: &writer)
    }
  }

  /// Appends the merged `scope` of a `ScopeSpans` message as an object, `{}` if it has none.
  package static func appendScope(_ bytes: Span<UInt8>, at range: Range<Int>, to writer: inout JSONWriter)
    throws(ProtobufError)
  {
    try transaction(&writer) { writer throws(ProtobufError) in
      try writeScope(bytes, try EnvelopeFields(bytes, at: range).subject, to: &writer)
    }
  }

  /// Appends a whole `ExportTraceServiceRequest` or `TracesData` message as an object.
  package static func appendRequest(_ bytes: Span<UInt8>, to writer: inout JSONWriter) throws(ProtobufError) {
    try transaction(&writer) { writer throws(ProtobufError) in try writeRequest(bytes, to: &writer) }
  }

  private static func transaction(
    _ writer: inout JSONWriter, _ body: (inout JSONWriter) throws(ProtobufError) -> Void
  ) throws(ProtobufError) {
    let count = writer.bytes.count
    do throws(ProtobufError) {
      try body(&writer)
    } catch {
      writer.bytes.removeLast(writer.bytes.count - count)
      throw error
    }
  }
}
