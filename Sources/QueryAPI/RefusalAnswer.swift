import APISupport
import JSON
import TraceStore
import Transport

/// The list of refused input as JSON.
enum RefusalAnswer {
  static func render(_ refusals: [Refusal]) -> HTTPResponse {
    JSONAnswer.make { writer in
      writer.beginObject()
      writer.key("refused")
      writer.beginArray()
      for refusal in refusals { append(refusal, &writer) }
      writer.endArray()
      writer.endObject()
    }
  }

  private static func append(_ refusal: Refusal, _ writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("timeUnixNano")
    writer.integerString(refusal.time)
    writer.key("transport")
    writer.string(refusal.transport)
    writer.key("peer")
    writer.string(refusal.peer)
    writer.key("reason")
    writer.string(refusal.reason)
    writer.key("detail")
    writer.string(refusal.detail)
    writer.key("spans")
    if let spans = refusal.spans { writer.integer(Int64(spans)) } else { writer.null() }
    writer.endObject()
  }
}
