import GenAI
import OTLPReceiver
import Telemetry

/// Reads a call of a provider at once and in pieces: both have to mean the same, and become spans that can be stored.
///
/// The first byte chooses the API and whether the answer is an event stream, the second how large the pieces are. Then
/// comes the body of the request, a zero, and that of the answer.
func fuzzExchange(_ bytes: Span<UInt8>) {
  guard bytes.count >= 2 else { return }
  let api = ProviderAPI.allCases[Int(bytes[0] & 0x3F) % ProviderAPI.allCases.count]
  let input = unsafe bytes.extracting(2...).withUnsafeBufferPointer { unsafe Array($0) }
  let parts = input.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
  let call = FuzzedCall(
    api: api, request: Array(parts[0]), answer: parts.count > 1 ? Array(parts[1]) : [], isStream: bytes[0] & 0x80 != 0,
    status: bytes[0] & 0x40 != 0 ? 400 : 200)
  for end in [ExchangeEnd.complete, .truncated] {
    let exchange = call.read(step: .max, end)
    precondition(exchange == call.read(step: Int(bytes[1]) + 1, end), "one piece and many do not agree")
    checkSpans(exchange)
  }
}

private struct FuzzedCall {
  var api: ProviderAPI
  var request: [UInt8]
  var answer: [UInt8]
  var isStream: Bool
  var status: Int

  func read(step: Int, _ end: ExchangeEnd) -> Exchange {
    var options = RecordingOptions()
    // Small, so that inputs reach them.
    (options.answerBytes, options.streamTextBytes, options.recordBytes, options.blobBytes) = (4_096, 1_024, 1_024, 64)
    let reader = ExchangeReader(
      api: api, path: "/v1beta/models/m:generateContent", requestBody: request, options: options)
    reader.begin(
      status: status, contentType: isStream ? "text/event-stream" : "application/json", contentEncoding: nil)
    var position = 0
    while position < answer.count {
      let next = step < answer.count - position ? position + step : answer.count
      reader.receive(answer.span.extracting(position..<next))
      position = next
    }
    return reader.finish(end)
  }
}

private func checkSpans(_ exchange: Exchange) {
  for profile in SpanProfile.allCases {
    for level in [RecordingOptions.Level.metadata, .content] {
      let context = CallContext(
        traceID: TraceID(high: 1, low: 2), spanID: SpanID(value: 3), provider: "openai", serverAddress: "localhost",
        serverPort: 80, startTime: 1, endTime: 2)
      var last: UInt64 = 3
      let request = SpanComposer(profile: profile, version: "1").compose(exchange, context, level: level) {
        last += 1
        return SpanID(value: last)
      }
      let batch = RequestDecoder().decode(clean: request)
      precondition(batch?.spans.count == Int(last) - 2, "a call became spans that cannot be stored")
    }
  }
}
