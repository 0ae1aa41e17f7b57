import APISupport
import JSON
import TraceStore
package import Transport

/// `GET /api/v1/forwarders`: the targets, and how they are doing.
package struct ForwarderAPI: Sendable {
  private static let path = "/api/v1/forwarders"

  private let forwarder: Forwarder

  package init(_ forwarder: Forwarder) { self.forwarder = forwarder }

  /// - Returns: `nil` for another path.
  package func respond(to request: HTTPRequest) -> HTTPResponse? {
    guard request.path == Self.path else { return nil }
    guard request.method == .get || request.method == .head else {
      var response = JSONAnswer.error(405, "method not allowed, supported: GET")
      response.headers.append("allow", "GET, HEAD")
      return response
    }
    if let (name, _) = PercentEncoding.parameters(request.query).first {
      return JSONAnswer.error(400, "unknown parameter \(name), allowed are: none")
    }
    return JSONAnswer.make { writer in
      writer.beginObject()
      writer.key("forwarders")
      writer.beginArray()
      for entry in forwarder.entries { Self.write(entry, forwarder, &writer) }
      for record in forwarder.inactive { Self.write(record, &writer) }
      writer.endArray()
      writer.endObject()
    }
  }

  private static func write(_ entry: Forwarder.Entry, _ forwarder: Forwarder, _ writer: inout JSONWriter) {
    let snapshot = entry.status.snapshot
    let last = forwarder.lastArrival
    writer.beginObject()
    writer.key("name")
    writer.string(entry.target.name)
    writer.key("endpoint")
    writer.string(entry.target.url)
    writer.key("protocol")
    writer.string(entry.target.carrier.rawValue)
    writer.key("state")
    writer.string(snapshot.state.rawValue)
    writer.key("cursor")
    writer.integer(snapshot.position.cursor)
    writer.key("lagSpans")
    writer.integer(snapshot.lag(lastArrival: last))
    writer.key("lagSeconds")
    writer.double(snapshot.lagSeconds(lastArrival: last, now: forwarder.time))
    write(snapshot.counts, &writer)
    writer.key("retries")
    writer.integer(Int64(snapshot.retries))
    writer.key("lastError")
    if let fault = snapshot.lastFault {
      writer.beginObject()
      writer.key("message")
      writer.string(fault.message)
      writer.key("timeUnixNano")
      writer.integerString(fault.time)
      writer.endObject()
    } else {
      writer.null()
    }
    writer.key("nextTryUnixNano")
    if let next = snapshot.nextTry { writer.integerString(next) } else { writer.null() }
    writer.endObject()
  }

  private static func write(_ record: ForwarderRecord, _ writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("name")
    writer.string(record.name)
    writer.key("state")
    writer.string("inactive")
    writer.key("cursor")
    writer.integer(record.position.cursor)
    write(record.counts, &writer)
    writer.endObject()
  }

  private static func write(_ counts: ForwardCounts, _ writer: inout JSONWriter) {
    let members = [
      ("sent", counts.sent), ("refused", counts.refused), ("filtered", counts.filtered), ("missed", counts.gone),
      ("resent", counts.resent),
    ]
    for (name, value) in members {
      writer.key(name)
      writer.integer(value)
    }
  }
}
