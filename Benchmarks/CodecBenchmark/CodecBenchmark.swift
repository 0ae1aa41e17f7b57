import JSON
import LightningAPI
import OTLP
import Protobuf

/// Times the codecs over 1,000 spans of an LLM call, about 600 bytes each, in one request.
///
/// `swift run -c release CodecBenchmark [NAME [RUNS]]`; with a name only the codecs that hold it in theirs.
@main struct CodecBenchmark {
  static func main() throws {
    let request = SampleRequest.bytes(spanCount: 1_000)
    let spans = SampleRequest.spans(of: request)
    print("request: \(request.count) bytes, \(spans.count) spans, \(request.count / spans.count) bytes a span")

    var writer = JSONWriter()
    try measure("protobuf -> OTLP/JSON") {
      writer.bytes.removeAll(keepingCapacity: true)
      for span in spans { try OTLPJSONWriter.appendSpan(request.span, at: span, to: &writer) }
      return writer.bytes.count
    }

    writer = JSONWriter()
    try OTLPJSONWriter.appendRequest(request.span, to: &writer)
    let json = writer.bytes
    try measure("OTLP/JSON -> protobuf") { try OTLPJSONDecoder.transcode(json.span).count }

    let nothing: [UInt8] = []
    let envelope = try AGLSpanEnvelope(resourceSpans: nothing.span, scopeSpans: nothing.span)
    let tags = AGLSpanTags(rolloutID: "ro-0123456789ab", attemptID: "at-01234567", sequenceID: 1)
    var spanWriter = AGLSpanWriter()
    try measure("protobuf -> AGL spans") {
      writer.bytes.removeAll(keepingCapacity: true)
      for span in spans {
        try spanWriter.append(request.span, at: span, tags: tags, envelope: envelope, to: &writer)
      }
      return writer.bytes.count
    }

    try measure("canonical form") {
      var count = 0
      for span in spans {
        let span = request.span.extracting(span)
        count += try CanonicalSpan.bytes(resourceSpans: nothing.span, scopeSpans: nothing.span, span: span).count
      }
      return count
    }
    try measure("repair") { try OTLPRepair.rewrite(request: request.span).bytes.count }
  }

  /// Prints the best time of some runs, which is the one that other processes disturbed least.
  private static func measure(_ name: String, _ body: () throws -> Int) rethrows {
    let arguments = CommandLine.arguments.dropFirst()
    if let wanted = arguments.first, !name.contains(wanted) { return }
    var best = Duration.seconds(60)
    var count = 0
    for _ in 0..<(arguments.dropFirst().first.flatMap { Int($0) } ?? 30) {
      best = min(best, try ContinuousClock().measure { count = try body() })
    }
    let milliseconds = Double(best.components.attoseconds) / 1e15
    print("\(name): \(milliseconds) ms, \(count) bytes written")
  }
}
