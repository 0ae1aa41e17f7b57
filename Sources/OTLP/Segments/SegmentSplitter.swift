package import Telemetry

/// Cuts a request into segments.
///
/// A segment is an `ExportTraceServiceRequest` itself, so whoever has its bytes can decode it with the public schema.
/// A request that is small enough is its own segment, byte for byte. A larger one is cut between spans; each piece
/// repeats the resource and the scope of its spans.
package enum SegmentSplitter {
  /// How large a segment becomes before it is cut, in bytes.
  ///
  /// To read one span its whole segment is decompressed, which takes some 50 us for this size.
  package static let targetSize = 64 << 10

  /// Requests up to this size are not cut: the pieces would be small, and copying costs more.
  private static let wholeSize = 96 << 10

  /// Fills in the segments of a batch that was scanned from `request`.
  package static func split(_ request: consuming [UInt8], _ batch: inout SpanBatch) {
    guard request.count > wholeSize, batch.spans.count > 1 else {
      batch.segments = [SegmentDraft(bytes: request, spans: 0..<batch.spans.count)]
      return
    }
    let pieces = PiecePlanner(batch).pieces(of: request.span)
    for piece in pieces { batch.segments.append(piece.write(request.span, &batch.spans)) }
  }
}
