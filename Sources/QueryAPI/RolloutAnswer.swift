import APISupport
import JSON
import TraceStore
import Transport

/// The list of rollouts as JSON.
enum RolloutAnswer {
  /// The most attempts that are listed of a rollout: `limit` counts rollouts, and ids of attempts are what anyone sends.
  static let mostAttempts = 100

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
    counts(summary.spans, summary.firstArrival, summary.lastArrival, &writer)
    writer.key("attemptCount")
    writer.integer(Int64(summary.attemptCount))
    writer.key("hasMoreAttempts")
    writer.bool(summary.attemptCount > summary.attempts.count)
    writer.key("attempts")
    writer.beginArray()
    for attempt in summary.attempts {
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
