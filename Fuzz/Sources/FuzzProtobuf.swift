import JSON
import OTLP
import Protobuf
import Telemetry

/// Takes a request through everything that reads or writes protobuf: they have to agree on what is well-formed.
func fuzzProtobuf(_ bytes: Span<UInt8>) {
  let request = unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
  let first = scanned(request, budget: .max)
  let inSteps = FuzzedScan(scanned(request, budget: 1))
  precondition(inSteps == FuzzedScan(first), "one step and many do not agree")
  guard let rewritten = try? OTLPRepair.rewrite(request: request.span) else {
    precondition(FuzzedScan(first) == .malformed, "the rewriting refuses what the scanner takes for well-formed")
    return
  }
  precondition(FuzzedScan(first) != .malformed, "the scanner refuses what can be rewritten")
  let again = scanned(rewritten.bytes, budget: .max)
  guard case .success(let batch?) = again else { preconditionFailure("what was rewritten is not clean") }
  if case .success(let batch?) = first {
    precondition(rewritten.rejected.isEmpty, "a clean request has bad spans")
    checkSegments(request, batch)
  }
  checkSegments(rewritten.bytes, batch)
  checkRendering(rewritten.bytes)
}

/// The outcome of a scan, as far as two scans of the same bytes can be compared.
private enum FuzzedScan: Equatable {
  case malformed
  case unclean
  case clean(spans: Int, tags: [RolloutTag])

  init(_ result: Result<SpanBatch?, ProtobufError>) {
    self =
      switch result {
      case .failure: .malformed
      case .success(nil): .unclean
      case .success(let batch?): .clean(spans: batch.spans.count, tags: batch.tags)
      }
  }
}

/// Scans a request in steps; `nil` when it is not clean.
private func scanned(_ request: [UInt8], budget: Int) -> Result<SpanBatch?, ProtobufError> {
  var scanner = RequestScanner()
  do throws(ProtobufError) {
    while try !scanner.step(request.span, budget: budget) {}
  } catch {
    return .failure(error)
  }
  return .success(scanner.isClean ? scanner.batch : nil)
}

/// Every span is found where the segments say, and has one canonical form.
private func checkSegments(_ request: [UInt8], _ scanned: SpanBatch) {
  var batch = scanned
  SegmentSplitter.split(request, &batch)
  for segment in batch.segments {
    var walker = SegmentWalker()
    for span in batch.spans[segment.spans] {
      guard let range = try! walker.find(Int(span.offset), in: segment.bytes.span) else {
        preconditionFailure("a span is not where it was scanned")
      }
      precondition(range.count == Int(span.length), "a span has another length than was scanned")
      checkStripping(segment.bytes.span.extracting(range))
      _ = try! CanonicalSpan.bytes(
        resourceSpans: segment.bytes.span.extracting(walker.resourceSpans),
        scopeSpans: segment.bytes.span.extracting(walker.scopeSpans), span: segment.bytes.span.extracting(range))
    }
  }
}

/// What takes prompts out of a span leaves one that says so, and has none left.
private func checkStripping(_ span: Span<UInt8>) {
  guard let stripped = try! PayloadStripper.strip(span) else { return }
  precondition(try! PayloadStripper.isStripped(stripped.span), "a span does not say that it has lost its prompts")
  precondition(try! PayloadStripper.strip(stripped.span) == nil, "a span has prompts left")
}

/// What is rendered as JSON is read again, and renders to the same text.
private func checkRendering(_ request: [UInt8]) {
  let json = rendered(request)
  precondition(rendered(try! OTLPJSONDecoder.transcode(json.span)) == json, "JSON is not stable")
}

private func rendered(_ request: [UInt8]) -> [UInt8] {
  var writer = JSONWriter()
  try! OTLPJSONWriter.appendRequest(request.span, to: &writer)
  return writer.bytes
}

/// Reads OTLP/JSON: what is accepted becomes protobuf that every later step accepts.
func fuzzJSON(_ bytes: Span<UInt8>) {
  guard let request = try? OTLPJSONDecoder.transcode(bytes) else { return }
  precondition(FuzzedScan(scanned(request, budget: .max)) != .malformed, "JSON became malformed protobuf")
  fuzzProtobuf(request.span)
}
