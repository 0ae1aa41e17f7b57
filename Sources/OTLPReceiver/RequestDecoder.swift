import OTLP
import Protobuf
package import Telemetry

/// The encoding of an export request.
///
/// [OTLP/HTTP](https://opentelemetry.io/docs/specs/otlp/#otlphttp)
enum RequestEncoding: Sendable {
  case protobuf, json
}

/// A request as the store takes it.
struct DecodedRequest: Sendable {
  var batch: SpanBatch
  var rejected: [RejectedSpan]
}

/// Makes a batch out of the bytes of a request: reads, repairs, cuts and compresses them.
///
/// All of it is computation without a pause, on whatever thread it is called.
package struct RequestDecoder: Sendable {
  /// zstd's fastest regular level.
  private static let compressionLevel = 1

  let attributeDepth: Int
  /// Without segments, for measuring the receiver alone.
  let isWithoutSegments: Bool
  let compressors = CompressorPool()

  init(attributeDepth: Int, isWithoutSegments: Bool) {
    self.attributeDepth = attributeDepth
    self.isWithoutSegments = isWithoutSegments
  }

  /// A decoder for requests that this program has written itself.
  package init() { self.init(attributeDepth: 100, isWithoutSegments: false) }

  /// Makes a batch of a request that needs no repair.
  ///
  /// - Returns: `nil` when it does, or when a span of it could not be stored.
  package func decode(clean request: [UInt8]) -> SpanBatch? {
    guard let decoded = try? decode(request, .protobuf, .unassigned), decoded.rejected.isEmpty else { return nil }
    return decoded.batch
  }

  /// Decodes a request.
  ///
  /// - Returns: A batch with segments, unless it is without spans.
  func decode(_ request: consuming [UInt8], _ encoding: RequestEncoding, _ tag: RolloutTag)
    throws(ExportFailure) -> DecodedRequest
  {
    var bytes = request
    if encoding == .json { bytes = try transcode(bytes) }
    var rejected: [RejectedSpan] = []
    var batch: SpanBatch
    if let clean = try scan(bytes, tag) {
      batch = clean
    } else {
      (bytes, rejected) = try repair(bytes)
      guard let repaired = try scan(bytes, tag) else {
        throw ExportFailure(
          status: 500, code: .internal, message: "the request could not be repaired", reason: "malformed")
      }
      batch = repaired
    }
    if !batch.spans.isEmpty && !isWithoutSegments {
      SegmentSplitter.split(bytes, &batch)
      bytes = []
      for index in batch.segments.indices {
        compressors.compress(&batch.segments[index], level: Self.compressionLevel)
      }
    }
    return DecodedRequest(batch: batch, rejected: rejected)
  }

  private func transcode(_ json: [UInt8]) throws(ExportFailure) -> [UInt8] {
    do throws(OTLPJSONError) { return try OTLPJSONDecoder.transcode(json.span) } catch { throw ExportFailure(error) }
  }

  /// - Returns: `nil` for a request that is not clean.
  private func scan(_ bytes: [UInt8], _ tag: RolloutTag) throws(ExportFailure) -> SpanBatch? {
    var scanner = RequestScanner(requestTag: tag, maximumDepth: attributeDepth, allowsAnswers: false)
    do throws(ProtobufError) {
      // Without a budget one step reads it all.
      _ = try scanner.step(bytes.span)
    } catch {
      throw ExportFailure(error)
    }
    return scanner.isClean ? scanner.batch : nil
  }

  private func repair(_ bytes: [UInt8]) throws(ExportFailure) -> ([UInt8], [RejectedSpan]) {
    do throws(ProtobufError) {
      return try OTLPRepair.rewrite(request: bytes.span)
    } catch {
      throw ExportFailure(error)
    }
  }
}
