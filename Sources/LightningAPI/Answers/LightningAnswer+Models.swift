import APISupport
import JSON
import Telemetry
import TraceStore
import Transport

extension LightningAnswer {
  /// Answers with a value, or with `null` for one that is not known.
  static func value<Value>(
    _ value: Value?, status: Int = 200, _ write: (inout JSONWriter, Value) -> Void
  ) -> HTTPResponse {
    JSONAnswer.make(status) { writer in
      if let value { write(&writer, value) } else { writer.null() }
    }
  }

  /// Answers with a list.
  static func list<Value>(
    _ values: [Value], status: Int = 200, _ write: (inout JSONWriter, Value) -> Void
  ) -> HTTPResponse {
    JSONAnswer.make(status) { writer in
      writer.beginArray()
      for value in values { write(&writer, value) }
      writer.endArray()
    }
  }

  /// Answers with `{"items":[...],"limit":...,"offset":...,"total":...}`.
  static func page<Query, Value>(
    _ page: PageOf<Value>, of query: LightningQuery<Query>, _ write: (inout JSONWriter, Value) -> Void
  ) -> HTTPResponse {
    JSONAnswer.make { writer in
      writer.beginObject()
      writer.key("items")
      writer.beginArray()
      for item in page.items { write(&writer, item) }
      writer.endArray()
      writer.key("limit")
      writer.integer(Int64(query.limit))
      writer.key("offset")
      writer.integer(Int64(query.offset))
      writer.key("total")
      writer.integer(Int64(page.total))
      writer.endObject()
    }
  }

  /// Answers with the number of a span.
  static func sequence(_ number: Int64) -> HTTPResponse {
    JSONAnswer.make { writer in
      writer.beginObject()
      writer.key("sequence_id")
      writer.integer(number)
      writer.endObject()
    }
  }

  /// Answers with a span that was stored.
  static func span(_ span: SentSpan) -> HTTPResponse {
    var writer = JSONWriter(reservingCapacity: span.answer.count + 128)
    writer.tokens("{\"rollout_id\":")
    writer.string(span.rolloutID)
    writer.tokens("\"attempt_id\":")
    writer.string(span.attemptID)
    writer.tokens("\"sequence_id\":")
    writer.integer(span.sequence)
    writer.json(span.answer.span)
    writer.endObject()
    return HTTPResponse(status: 201, headers: ["content-type": "application/json"], body: .bytes(writer.bytes))
  }
}
