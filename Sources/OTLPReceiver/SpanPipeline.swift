import Metrics
import OTLP
import Telemetry
import TraceStore

/// From the bytes of a request to stored spans; the same for every transport.
struct SpanPipeline: Sendable {
  private let writer: any SpanWriter
  private let options: OTLPReceiverOptions
  private let metrics: ReceiverMetrics
  private let decoding: DecodingThreads

  init(writer: any SpanWriter, options: OTLPReceiverOptions, metrics: ReceiverMetrics) {
    self.writer = writer
    self.options = options
    self.metrics = metrics
    decoding = DecodingThreads(
      RequestDecoder(attributeDepth: options.attributeDepth, isWithoutSegments: options.discardsSpans),
      count: options.decodingThreads)
  }

  /// What came out of a request.
  struct Outcome {
    var accepted: Int
    var rejected: [RejectedSpan]
  }

  /// Decodes a request and stores its spans.
  ///
  /// - Parameter deadline: When nobody waits for the answer any more; looked at before and after decoding. Once the spans
  ///   are handed over they will be stored.
  /// - Returns: After the commit.
  func store(
    _ request: consuming [UInt8], _ encoding: RequestEncoding, tag: RolloutTag, _ transport: ReceiverMetrics.Transport,
    deadline: ContinuousClock.Instant? = nil
  ) async throws(ExportFailure) -> Outcome {
    metrics.receivedBytes.increment(by: request.count)
    try Self.check(deadline)
    let decoded = try await decoding.decode(request, encoding, tag)
    // Large requests may have waited for their turn.
    try Self.check(deadline)
    let accepted = decoded.batch.spans.count
    metrics.received[transport]?.increment(by: accepted + decoded.rejected.count)
    let outcome = Outcome(accepted: accepted, rejected: decoded.rejected)
    guard accepted > 0, !options.discardsSpans else { return outcome }
    do throws(StoreError) {
      let receipt = try await writer.append(decoded.batch)
      metrics.stored.increment(by: receipt.stored)
      metrics.duplicates.increment(by: receipt.duplicates)
      metrics.variants.increment(by: receipt.variants)
    } catch {
      throw ExportFailure(error, retryAfter: options.retryDelaySeconds)
    }
    return outcome
  }

  private static func check(_ deadline: ContinuousClock.Instant?) throws(ExportFailure) {
    guard let deadline, ContinuousClock.now >= deadline else { return }
    throw ExportFailure(
      status: 200, code: .deadlineExceeded, message: "the deadline of the call has passed", reason: "deadline")
  }
}
