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
      for refusal in refusals { writer.refusal(refusal) }
      writer.endArray()
      writer.endObject()
    }
  }
}

extension JSONWriter {
  mutating func refusal(_ refusal: Refusal) {
    beginObject()
    key("timeUnixNano")
    integerString(refusal.time)
    key("transport")
    string(refusal.transport)
    key("peer")
    string(refusal.peer)
    key("reason")
    string(refusal.reason)
    key("detail")
    string(refusal.detail)
    key("spans")
    if let spans = refusal.spans { integer(Int64(spans)) } else { null() }
    key("rolloutIds")
    strings(refusal.rolloutIDs)
    endObject()
  }
}
