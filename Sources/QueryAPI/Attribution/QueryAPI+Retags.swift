import APISupport
import JSON
import Telemetry
import TraceStore
import Transport

extension QueryAPI {
  /// The longest wait, in seconds.
  private static let longestWait: Int64 = 60

  /// Spans that were tagged anew after a cursor, and a cursor to go on with.
  ///
  /// A client that goes away ends the wait: its connection cancels the task. So does the end of the server; the client is
  /// told to try again.
  func retags(_ request: HTTPRequest) async throws -> HTTPResponse {
    let parameters = try QueryParameters(request, allowed: ["since", "wait", "limit"])
    let limit = try limit(parameters)
    let wait = try parameters.number("wait") ?? 0
    guard wait <= Self.longestWait else {
      throw QueryFault(status: 400, message: "wait must be at most \(Self.longestWait) seconds")
    }
    let watch = attribution.retags
    guard let text = parameters.text("since") else { return Self.answer(watch.page(after: nil, limit: limit)) }
    guard let cursor = RetagCursor(text) else {
      throw QueryFault(status: 400, message: "since must be the next of an answer before")
    }
    let page = await watch.page(after: cursor, limit: limit, waitingAtMost: .seconds(wait), sleep: sleep)
    if wait > 0 && watch.isClosed && page.retags.isEmpty && !page.isLost {
      throw StoreError(.closing, "the server is closing")
    }
    return Self.answer(page)
  }

  private static func answer(_ page: RetagWatch.Page) -> HTTPResponse {
    JSONAnswer.make { writer in
      writer.beginObject()
      writer.key("retags")
      writer.beginArray()
      for retag in page.retags { writer.retag(retag) }
      writer.endArray()
      writer.key("next")
      writer.string(page.next.description)
      writer.key("lost")
      writer.bool(page.isLost)
      writer.endObject()
    }
  }
}

extension JSONWriter {
  fileprivate mutating func retag(_ retag: Retag) {
    beginObject()
    key("number")
    integer(retag.number)
    key("traceId")
    string(retag.traceID.description)
    key("spanId")
    string(retag.spanID.description)
    key("variant")
    integer(retag.variant)
    key("arrival")
    integerString(retag.arrival)
    tag(retag.after)
    key("sequence")
    if let sequence = retag.sequence { integer(sequence) } else { null() }
    key("before")
    beginObject()
    tag(retag.before)
    endObject()
    endObject()
  }

  /// The members of a tag, inside an object.
  private mutating func tag(_ tag: RolloutTag) {
    key("rolloutId")
    optional(tag.rolloutID)
    key("attemptId")
    optional(tag.attemptID)
    key("rule")
    string(tag.rule.name)
  }
}
