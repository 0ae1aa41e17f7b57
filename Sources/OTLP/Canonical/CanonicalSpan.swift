package import Protobuf

/// One encoding for each meaning a span can have, to tell a repeat from a second span under the same ids.
///
/// Two spans have equal canonical bytes if and only if they, their scopes and their resources decode to the same
/// contents: the order of fields, fields that repeat, default values, over-long varints and unknown fields make no
/// difference, nor does an empty resource, scope or status in place of none. The order of attributes, events and links
/// does, as does the bit pattern of a double.
///
/// The bytes are no protobuf: a message ends with a zero byte instead of having its length in front, so that writing
/// takes linear time at any depth. They are for comparing, not for keeping.
package enum CanonicalSpan {
  /// Encodes a span with what it belongs to.
  ///
  /// - Parameters:
  ///   - resourceSpans: A `ResourceSpans` message, of which `resource` and `schema_url` count.
  ///   - scopeSpans: A `ScopeSpans` message, of which `scope` and `schema_url` count.
  ///   - span: A `Span` message.
  package static func bytes(resourceSpans: Span<UInt8>, scopeSpans: Span<UInt8>, span: Span<UInt8>)
    throws(ProtobufError) -> [UInt8]
  {
    try envelope(resourceSpans: resourceSpans, scopeSpans: scopeSpans) + self.span(span)
  }

  /// The first part of ``bytes(resourceSpans:scopeSpans:span:)``: what the spans of a scope have in common.
  package static func envelope(resourceSpans: Span<UInt8>, scopeSpans: Span<UInt8>) throws(ProtobufError) -> [UInt8] {
    var encoder = CanonicalEncoder()
    try encoder.envelope(.resourceSpans, resourceSpans)
    try encoder.envelope(.scopeSpans, scopeSpans)
    return encoder.output.bytes
  }

  /// The second part of ``bytes(resourceSpans:scopeSpans:span:)``: the span itself.
  package static func span(_ span: Span<UInt8>) throws(ProtobufError) -> [UInt8] {
    var encoder = CanonicalEncoder()
    encoder.output.bytes.reserveCapacity(span.count + 256)
    let parts = MessageParts(0..<span.count)
    try encoder.message(.span, span, parts, depth: 0)
    // What is answered in place of the fields is part of what the span says.
    let answer = try parts.lastValue(AnswerField.number, in: span)
    if !answer.isEmpty { encoder.output.bytesField(AnswerField.number, span.extracting(answer)) }
    return encoder.output.bytes
  }
}
