import APISupport
import JSON
import TraceStore
import Transport

/// The list of rollouts as JSON.
enum RolloutAnswer {
  /// The most attempts that are listed of a rollout: `limit` counts rollouts, and ids of attempts are what anyone sends.
  private static let mostAttempts = 100

  static func render(_ summaries: [RolloutSummary], isFull: Bool) -> HTTPResponse {
    JSONAnswer.make { writer in
      writer.beginObject()
      writer.key("rollouts")
      writer.beginArray()
      for summary in summaries { append(summary, &writer) }
      writer.endArray()
      if isFull, let last = summaries.last {
        writer.key("nextCursor")
        writer.integerString(last.position)
      }
      writer.endObject()
    }
  }

  private static func append(_ summary: RolloutSummary, _ writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("rolloutId")
    writer.string(summary.id)
    counts(
      summary.attempts.reduce(0) { $0 + $1.spans }, summary.attempts.map(\.firstArrival).min() ?? 0,
      summary.attempts.map(\.lastArrival).max() ?? 0, &writer)
    writer.key("attemptCount")
    writer.integer(Int64(summary.attempts.count))
    writer.key("hasMoreAttempts")
    writer.bool(summary.attempts.count > mostAttempts)
    writer.key("attempts")
    writer.beginArray()
    // The newest.
    for attempt in summary.attempts.suffix(mostAttempts) {
      writer.beginObject()
      writer.key("attemptId")
      if let id = attempt.id { writer.string(id) } else { writer.null() }
      counts(attempt.spans, attempt.firstArrival, attempt.lastArrival, &writer)
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
  }

  private static func counts(_ spans: Int64, _ first: Int64, _ last: Int64, _ writer: inout JSONWriter) {
    writer.key("spans")
    writer.integer(spans)
    writer.key("firstArrivalUnixNano")
    writer.integerString(first)
    writer.key("lastArrivalUnixNano")
    writer.integerString(last)
  }
}
