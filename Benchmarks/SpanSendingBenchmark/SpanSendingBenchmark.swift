import LightningAPI
import TraceStore
import Transport

/// Times what `POST /v1/agl/spans` costs before the store: reading the JSON, checking it, and making OTLP and the answer
/// of it.
///
/// `swift run -c release SpanSendingBenchmark [RUNS]`; one core, without a connection.
@main struct SpanSendingBenchmark {
  private static let spanCount = 1_000

  static func main() async {
    let store = NoStore()
    let api = LightningAPI(reader: store, rollouts: store) { _ in }
    let bodies = (0..<spanCount).map { Array(SampleSpan.json(index: $0).utf8) }
    print("a span: \(bodies[0].count) bytes")
    var best = Duration.seconds(60)
    var answered = 0
    for _ in 0..<(CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 30) {
      let start = ContinuousClock.now
      for body in bodies {
        let request = HTTPRequest(
          method: .post, path: "/v1/agl/spans", headers: ["content-type": "application/json"],
          body: RequestBody(body))
        if let response = await api.respond(to: request), case .bytes(let bytes) = response.body {
          precondition(response.status == 201, "the sample is a span")
          answered += bytes.count
        }
      }
      best = min(best, start.duration(to: .now))
    }
    print("\(best / spanCount) a span, \(answered) bytes answered")
  }
}
