import APISupport
import JSON
import Telemetry
import TraceStore
import Transport

// Facts about where spans belong as JSON. Times are nanoseconds as text, like everywhere in this interface.
extension JSONWriter {
  mutating func binding(_ binding: TraceBinding) {
    beginObject()
    key("id")
    integer(binding.id)
    key("traceId")
    string(binding.new.traceID.description)
    key("spanId")
    optional(binding.new.spanID?.description)
    place(RolloutPlace(rolloutID: binding.new.rolloutID, attemptID: binding.new.attemptID))
    key("createdUnixNano")
    integerString(binding.created)
    endObject()
  }

  mutating func session(_ session: SessionRegistration) {
    beginObject()
    key("id")
    integer(session.id)
    key("session")
    string(session.new.session)
    place(RolloutPlace(rolloutID: session.new.rolloutID, attemptID: session.new.attemptID))
    key("fromUnixNano")
    unsignedString(session.new.from)
    key("toUnixNano")
    if let to = session.new.to { unsignedString(to) } else { null() }
    key("createdUnixNano")
    integerString(session.created)
    endObject()
  }

  mutating func unassigned(_ trace: UnassignedTrace) {
    beginObject()
    key("traceId")
    string(trace.traceID.description)
    key("spans")
    integer(trace.spans)
    key("startTimeUnixNano")
    time(trace.startTime)
    key("endTimeUnixNano")
    time(trace.endTime)
    key("firstArrival")
    integerString(trace.firstArrival)
    key("lastArrival")
    integerString(trace.lastArrival)
    key("sessions")
    strings(trace.sessions)
    key("service")
    optional(trace.service)
    endObject()
  }

  mutating func unassigned(_ session: UnassignedSession) {
    beginObject()
    key("attribute")
    string(session.key.attribute)
    key("session")
    string(session.session)
    key("spans")
    integer(session.spans)
    key("traces")
    integer(session.traces)
    key("firstStartTimeUnixNano")
    time(session.firstStart)
    key("lastStartTimeUnixNano")
    time(session.lastStart)
    endObject()
  }

  /// The member that counts unassigned spans without a session, inside an object; null when they are too many.
  mutating func withoutSession(_ count: UnassignedCount?) {
    key("withoutSession")
    guard let count else { return null() }
    beginObject()
    key("spans")
    integer(count.spans)
    key("traces")
    integer(count.traces)
    endObject()
  }

  /// The members of a place, inside an object.
  mutating func place(_ place: RolloutPlace?) {
    key("rolloutId")
    optional(place?.rolloutID)
    key("attemptId")
    optional(place?.attemptID)
  }

  /// A text or null.
  mutating func optional(_ text: String?) {
    if let text { string(text) } else { null() }
  }

  mutating func strings(_ texts: [String]) {
    beginArray()
    for text in texts { string(text) }
    endArray()
  }

  /// A time of a span; 0 is unknown.
  mutating func time(_ nanoseconds: UInt64) {
    if nanoseconds == 0 { null() } else { unsignedString(nanoseconds) }
  }
}

extension JSONAnswer {
  /// A page of a list; a full one has the cursor of the next.
  static func page<Item>(
    _ name: String, _ items: [Item], limit: Int, cursor: (Item) -> Int64, _ write: (inout JSONWriter, Item) -> Void
  ) -> HTTPResponse {
    page(name, items, next: items.count == limit ? items.last.map(cursor) : nil, write)
  }

  /// - Parameters:
  ///   - next: Where to go on; `nil` on the last page.
  ///   - more: Writes further members.
  static func page<Item>(
    _ name: String, _ items: [Item], next: Int64?, _ write: (inout JSONWriter, Item) -> Void,
    more: (inout JSONWriter) -> Void = { _ in }
  ) -> HTTPResponse {
    make { writer in
      writer.beginObject()
      writer.key(name)
      writer.beginArray()
      for item in items { write(&writer, item) }
      writer.endArray()
      more(&writer)
      if let next {
        writer.key("nextCursor")
        writer.integerString(next)
      }
      writer.endObject()
    }
  }
}
