import OTLP
import Protobuf
import Telemetry
import TraceStore

extension NewSpan {
  /// Makes what the store takes of a span that was checked.
  ///
  /// - Returns: `nil` when the scanner does not find the one span that was written, which cannot happen.
  init?(_ sent: SentSpan) {
    let request = SpanEncoder.request(sent)
    var scanner = RequestScanner()
    guard (try? scanner.step(request.span)) == true, scanner.isClean, scanner.batch.spans.count == 1 else { return nil }
    var batch = scanner.batch
    SegmentSplitter.split(request, &batch)
    self.init(
      rolloutID: sent.rolloutID, attemptID: sent.attemptID, sequence: sent.sequence, traceID: sent.traceID,
      spanID: sent.spanID, parentID: sent.parentID, batch: batch)
  }
}
