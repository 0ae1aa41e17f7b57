import JSON

// The models inside a span, AGL store contract, section 4. All but the resource keep members that they do not know.
extension RequestReader {
  private enum StatusCode: String, CaseIterable { case unset = "UNSET", ok = "OK", error = "ERROR" }

  private static let statusNames: [StaticString] = ["status_code", "description"]
  private static let eventNames: [StaticString] = ["name", "attributes", "timestamp"]
  private static let linkNames: [StaticString] = ["context", "attributes"]
  private static let contextNames: [StaticString] = ["trace_id", "span_id", "is_remote", "trace_state"]
  private static let resourceNames: [StaticString] = ["attributes", "schema_url"]

  /// `TraceStatus`.
  mutating func writeStatus(_ place: Int, to writer: inout JSONWriter) {
    guard isObject(place) else { return writer.null() }
    let members = ModelMembers(document, place, Self.statusNames)
    writer.tokens("{\"status_code\":")
    let code: StatusCode? = member(members, 0, or: nil) { reader, place in reader.word(place) }
    writer.string(code?.rawValue)
    writer.tokens("\"description\":")
    writeNullable(members, 1, to: &writer) { reader, place, writer in reader.writeString(place, to: &writer) }
    writeExtras(members, to: &writer)
    writer.endObject()
  }

  /// `Event`.
  mutating func writeEvent(_ place: Int, to writer: inout JSONWriter) {
    guard isObject(place) else { return writer.null() }
    let members = ModelMembers(document, place, Self.eventNames)
    writer.tokens("{\"name\":")
    write(members, 0, to: &writer) { reader, place, writer in reader.writeString(place, to: &writer) }
    writer.tokens("\"attributes\":")
    write(members, 1, to: &writer) { reader, place, writer in reader.writeAttributes(place, to: &writer) }
    writer.tokens("\"timestamp\":")
    writeNullable(members, 2, to: &writer) { reader, place, writer in reader.writeTime(place, to: &writer) }
    writeExtras(members, to: &writer)
    writer.endObject()
  }

  /// `Link`.
  mutating func writeLink(_ place: Int, to writer: inout JSONWriter) {
    guard isObject(place) else { return writer.null() }
    let members = ModelMembers(document, place, Self.linkNames)
    writer.tokens("{\"context\":")
    write(members, 0, to: &writer) { reader, place, writer in reader.writeContext(place, to: &writer) }
    writer.tokens("\"attributes\":")
    writeNullable(members, 1, to: &writer) { reader, place, writer in reader.writeAttributes(place, to: &writer) }
    writeExtras(members, to: &writer)
    writer.endObject()
  }

  mutating func writeNullableContext(_ place: Int, to writer: inout JSONWriter) {
    if document.kind(place) == .null { writer.null() } else { writeContext(place, to: &writer) }
  }

  /// `SpanContext`.
  private mutating func writeContext(_ place: Int, to writer: inout JSONWriter) {
    guard isObject(place) else { return writer.null() }
    let members = ModelMembers(document, place, Self.contextNames)
    writer.tokens("{\"trace_id\":")
    write(members, 0, to: &writer) { reader, place, writer in reader.writeString(place, to: &writer) }
    writer.tokens("\"span_id\":")
    write(members, 1, to: &writer) { reader, place, writer in reader.writeString(place, to: &writer) }
    writer.tokens("\"is_remote\":")
    writer.bool(member(members, 2, or: false) { reader, place in reader.bool(place) })
    writer.tokens("\"trace_state\":")
    write(members, 3, to: &writer) { reader, place, writer in reader.writeTraceState(place, to: &writer) }
    writeExtras(members, to: &writer)
    writer.endObject()
  }

  private mutating func writeTraceState(_ place: Int, to writer: inout JSONWriter) {
    guard document.kind(place) == .object else {
      note(.notDictionary, at: place)
      return writer.null()
    }
    writer.beginObject()
    for key in DistinctMembers.keys(document, place) {
      writer.key(document, key)
      let count = faults.count
      writeString(key + 1, to: &writer)
      if faults.count > count { insert(.name(document.string(key)), from: count) }
    }
    writer.endObject()
  }

  /// `OtelResource`.
  mutating func writeResource(_ place: Int, to writer: inout JSONWriter) {
    guard isObject(place) else { return writer.null() }
    let members = ModelMembers(document, place, Self.resourceNames)
    writer.tokens("{\"attributes\":")
    write(members, 0, to: &writer) { reader, place, writer in reader.writeAttributes(place, to: &writer) }
    writer.tokens("\"schema_url\":")
    write(members, 1, to: &writer) { reader, place, writer in reader.writeString(place, to: &writer) }
    writer.endObject()
  }

  /// Writes a member that may be absent, which is written as null.
  private mutating func writeNullable(
    _ members: ModelMembers, _ index: Int, to writer: inout JSONWriter,
    _ body: (inout RequestReader, Int, inout JSONWriter) -> Void
  ) {
    let place = members.values[index]
    if place == ModelMembers.absent || document.kind(place) == .null { return writer.null() }
    write(members, index, to: &writer, body)
  }
}
