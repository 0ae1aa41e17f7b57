import Logging
import Metrics
import OTLP
import Protobuf
import Telemetry
import TraceStore

/// From the bytes of a request to stored spans; the same for every transport.
struct SpanPipeline: Sendable {
  /// How much is decoded before other connections of the loop get their turn, in bytes.
  private static let stepBytes = 512 << 10
  /// zstd's fastest regular level.
  private static let compressionLevel = 1

  let writer: any SpanWriter
  let options: OTLPReceiverOptions
  let metrics: ReceiverMetrics
  let compressors = CompressorPool()

  /// What came out of a request.
  struct Outcome {
    var accepted: Int
    var rejected: [RejectedSpan]
  }

  /// Decodes a request and stores its spans.
  ///
  /// - Returns: After the commit.
  func store(_ request: consuming [UInt8], tag: RolloutTag, _ transport: ReceiverMetrics.Transport)
    async throws(ExportFailure) -> Outcome
  {
    metrics.receivedBytes.increment(by: request.count)
    var (bytes, batch, rejected) = try await decode(request, tag)
    let accepted = batch.spans.count
    metrics.received[transport]?.increment(by: accepted + rejected.count)
    guard accepted > 0 else { return Outcome(accepted: 0, rejected: rejected) }
    if options.discardsSpans { return Outcome(accepted: accepted, rejected: rejected) }
    SegmentSplitter.split(bytes, &batch)
    bytes = []
    for index in batch.segments.indices {
      compressors.compress(&batch.segments[index], level: Self.compressionLevel)
      if index % 8 == 7 { await Task.yield() }
    }
    do throws(StoreError) {
      let receipt = try await writer.append(batch)
      metrics.stored.increment(by: receipt.stored)
      metrics.duplicates.increment(by: receipt.duplicates)
      metrics.variants.increment(by: receipt.variants)
    } catch {
      throw ExportFailure(error, retryAfter: options.retryDelaySeconds)
    }
    return Outcome(accepted: accepted, rejected: rejected)
  }

  /// Decodes a request; one that is not clean is rewritten first.
  private func decode(_ request: consuming [UInt8], _ tag: RolloutTag)
    async throws(ExportFailure) -> ([UInt8], SpanBatch, [RejectedSpan])
  {
    let bytes = request
    if let batch = try await scan(bytes, tag) { return (bytes, batch, []) }
    let repaired: (bytes: [UInt8], rejected: [RejectedSpan])
    do throws(ProtobufError) {
      repaired = try OTLPRepair.rewrite(request: bytes.span)
    } catch {
      throw ExportFailure(error)
    }
    guard let batch = try await scan(repaired.bytes, tag) else {
      throw ExportFailure(
        status: 500, code: .internal, message: "the request could not be repaired", reason: "malformed")
    }
    return (repaired.bytes, batch, repaired.rejected)
  }

  /// - Returns: `nil` for a request that is not clean.
  private func scan(_ bytes: [UInt8], _ tag: RolloutTag) async throws(ExportFailure) -> SpanBatch? {
    var scanner = RequestScanner(requestTag: tag, maximumDepth: options.attributeDepth)
    do throws(ProtobufError) {
      while try !scanner.step(bytes.span, budget: Self.stepBytes) { await Task.yield() }
    } catch {
      throw ExportFailure(error)
    }
    return scanner.isClean ? scanner.batch : nil
  }
}
