package import Protobuf

/// Repairs a trace request that is well-formed protobuf but not clean, so that everything storable in it is stored.
///
/// The result means the same, except that
/// - ill-formed UTF-8 in strings is replaced by U+FFFD,
/// - links with an invalid id are dropped and counted in `dropped_links_count`,
/// - spans with an invalid trace, span or parent id are left out and reported,
/// - a parent id of all zeros, which means "no parent", is left out.
///
/// A field that may occur once occurs once: the last scalar, the merged message. Unknown fields and the order of fields
/// stay as they are; envelopes can become empty. Repairing twice changes nothing more.
package enum OTLPRepair {
  /// Rewrites an `ExportTraceServiceRequest`.
  ///
  /// - Throws: When the request is no well-formed message of the schema: malformed wire format, a known field with the
  ///   wrong wire type, values nested too deeply.
  package static func rewrite(request: Span<UInt8>) throws(ProtobufError) -> (
    bytes: [UInt8], rejected: [RejectedSpan]
  ) {
    var rewriter = MessageRewriter(request)
    try rewriter.message(.request, MessageParts(0..<request.count), depth: 0)
    return (rewriter.writer.output.bytes, rewriter.rejected)
  }
}
