import APISupport
import JSON
import OTLP
import Protobuf
import Telemetry
import TraceStore
import Transport

/// Turns OTLP/JSON into what Jaeger's page shows, without storing it: the page does so with files that people open in it.
extension JaegerAPI {
  func transform(_ request: HTTPRequest) async throws -> HTTPResponse {
    let received = try await BodyReceiver.receive(request, upTo: options.transformBytes, budget)
    let bytes: [UInt8]
    do throws(OTLPJSONError) {
      bytes = try OTLPJSONDecoder.transcode(received.bytes.span)
    } catch {
      throw JaegerFault(400, "the body is no OTLP/JSON: \(error)")
    }
    let (clean, batch) = try Self.scan(bytes)
    try received.hold(clean.count)
    return JaegerAnswer.harmless(
      HTTPResponse(
        status: 200, headers: ["content-type": "application/json"], body: .bytes(Self.render(clean.span, batch))))
  }

  private static func scan(_ bytes: [UInt8]) throws -> ([UInt8], SpanBatch) {
    do throws(ProtobufError) {
      var scanner = RequestScanner()
      _ = try scanner.step(bytes.span)
      if scanner.isClean { return (bytes, scanner.batch) }
      let repaired = try OTLPRepair.rewrite(request: bytes.span).bytes
      scanner = RequestScanner()
      _ = try scanner.step(repaired.span)
      return (repaired, scanner.batch)
    } catch {
      throw JaegerFault(400, "the body is no OTLP/JSON: \(error)")
    }
  }

  private static func render(_ bytes: Span<UInt8>, _ batch: SpanBatch) -> [UInt8] {
    var traces: [TraceID: [SpanFacts]] = [:]
    var order: [TraceID] = []
    for span in batch.spans {
      if traces[span.traceID] == nil { order.append(span.traceID) }
      traces[span.traceID, default: []].append(span)
    }
    var format = JaegerTraceFormat()
    for traceID in order {
      let spans = (traces[traceID] ?? []).sorted { ($0.startTime, $0.offset) < ($1.startTime, $1.offset) }
      let changes = SharedSpanIDs.separate(
        spans.map { .init(id: $0.spanID, parent: $0.parentID.isValid ? $0.parentID : nil, kind: $0.kind) })
      format.beginTrace(traceID)
      for (place, span) in spans.enumerated() {
        var view = SpanView()
        view.adjustment = changes[place]
        let context = batch.contexts[Int(span.context)]
        let start = Int(span.offset)
        format.append(
          view, bytes,
          SpanLocation(
            resourceSpans: context.resourceSpans, scopeSpans: context.scopeSpans,
            span: start..<start + Int(span.length), segment: 0))
      }
      format.endTrace(omitted: 0)
    }
    format.finish(missing: [])
    return format.takeOutput(isLast: true)
  }
}
