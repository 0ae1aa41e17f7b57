import Foundation
import GenAI
import Telemetry

/// Measures what recording an exchange costs: reading request and answer, and composing the span.
///
/// `swift run -c release ExchangeBenchmark`, in the folder of the package.
@main enum ExchangeBenchmark {
  static func main() throws {
    for (name, api, profile) in [
      ("chat_basic", .chatCompletions, .genai), ("chat_basic", .chatCompletions, .agl),
      ("chat_vllm_token_ids", .chatCompletions, .genai), ("chat_stream_usage", .chatCompletions, .genai),
      ("messages_stream_tool_use", .messages, .genai), ("responses_stream_reasoning_tool", .responses, .genai),
    ] as [(String, ProviderAPI, SpanProfile)] {
      let request = try body(name, "request.http")
      let answer = try body(name, "response.http")
      let isStream = name.contains("stream")
      measure("\(name) \(profile.rawValue), \(answer.count) bytes") {
        exchange(api, profile, request, answer, isStream: isStream)
      }
    }
    let stream = Array(longStream.utf8)
    let megabytes = Double(stream.count) / 1e6
    measure("a stream of 10,000 chunks, \(megabytes) MB", count: 20) {
      exchange(.chatCompletions, .genai, Array("{}".utf8), stream, isStream: true)
    }
    let outlined = try body("chat_tool_result_turn", "request.http")
    measure("outline of a request of \(outlined.count) bytes") { RequestOutline(outlined.span)?.start ?? 0 }
  }

  private static func exchange(
    _ api: ProviderAPI, _ profile: SpanProfile, _ request: [UInt8], _ answer: [UInt8], isStream: Bool
  ) -> Int {
    let reader = ExchangeReader(api: api, path: "/", requestBody: request, options: RecordingOptions())
    reader.begin(
      status: 200, contentType: isStream ? "text/event-stream" : "application/json", contentEncoding: nil)
    reader.receive(answer.span)
    let context = CallContext(
      traceID: TraceID(high: 1, low: 2), spanID: SpanID(value: 3), provider: "openai", serverAddress: "localhost",
      serverPort: 80, startTime: 1, endTime: 2)
    return SpanComposer(profile: profile, version: "1").compose(reader.finish(.complete), context, level: .content) {
      SpanID(value: 4)
    }.count
  }

  private static func measure(_ name: String, count: Int = 20_000, _ body: () -> Int) {
    var sum = 0
    for _ in 0..<count / 10 { sum &+= body() }
    var best = Duration.seconds(1000)
    for _ in 0..<5 {
      let time = ContinuousClock().measure { for _ in 0..<count / 5 { sum &+= body() } }
      best = min(best, time / (count / 5))
    }
    print("\(name): \(best / .microseconds(1)) us (\(sum & 1))")
  }

  /// The body of a recorded message; the sizes of chunks are left in streams, where the reader takes them for fields.
  private static func body(_ name: String, _ file: String) throws -> [UInt8] {
    let bytes = [UInt8](try Data(contentsOf: URL(filePath: "Tests/Fixtures/llm/\(name)/\(file)")))
    let blankLine = Array("\r\n\r\n".utf8)
    guard let start = bytes.indices.first(where: { bytes[$0...].starts(with: blankLine) }) else { return [] }
    return Array(bytes[(start + 4)...])
  }

  private static var longStream: String {
    let chunk =
      #"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1750154400,"model":"gpt-4o-mini","#
      + #""service_tier":"default","system_fingerprint":"fp_1","choices":[{"index":0,"delta":{"content":" token"},"#
      + #""logprobs":null,"finish_reason":null}]}"# + "\n\n"
    return String(repeating: chunk, count: 10_000) + "data: [DONE]\n\n"
  }
}
