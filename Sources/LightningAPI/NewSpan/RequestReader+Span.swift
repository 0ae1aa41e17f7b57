import JSON

/// Checks a span, and writes it as it is answered.
extension RequestReader {
  /// `Span`.
  ///
  /// - Returns: `nil` when it is no object. What it holds means nothing when there are faults.
  mutating func span() -> SentSpan? {
    let root = JSONDocument.root
    guard isObject(root) else { return nil }
    let members = ModelMembers(document, root, SentSpan.names)
    var span = SentSpan(document: document, members: members)
    var writer = JSONWriter(reservingCapacity: document.bytes.count + 64)
    typealias Member = SentSpan.Member
    span.rolloutID = member(members, Member.rolloutID, or: "") { reader, place in reader.identifier(place) }
    span.attemptID = member(members, Member.attemptID, or: "") { reader, place in reader.identifier(place) }
    span.sequence = member(members, Member.sequence, or: 0) { reader, place in reader.integer(place) }
    span.traceID = member(members, Member.traceID, or: "") { reader, place in reader.identifier(place) }
    span.spanID = member(members, Member.spanID, or: "") { reader, place in reader.identifier(place) }
    span.parentID = member(members, Member.parentID, or: nil) { reader, place in reader.nullableString(place) }
    writer.tokens("\"trace_id\":")
    writer.string(span.traceID)
    writer.tokens("\"span_id\":")
    writer.string(span.spanID)
    writer.tokens("\"parent_id\":")
    writer.string(span.parentID)
    writer.tokens("\"name\":")
    write(members, Member.name, to: &writer) { reader, place, writer in reader.writeString(place, to: &writer) }
    writer.tokens("\"status\":")
    write(members, Member.status, to: &writer) { reader, place, writer in reader.writeStatus(place, to: &writer) }
    writer.tokens("\"attributes\":")
    write(members, Member.attributes, to: &writer) { reader, place, writer in
      reader.writeAttributes(place, to: &writer)
    }
    writer.tokens("\"events\":")
    write(members, Member.events, to: &writer) { reader, place, writer in
      reader.writeList(place, to: &writer) { reader, place, writer in reader.writeEvent(place, to: &writer) }
    }
    writer.tokens("\"links\":")
    write(members, Member.links, to: &writer) { reader, place, writer in
      reader.writeList(place, to: &writer) { reader, place, writer in reader.writeLink(place, to: &writer) }
    }
    writer.tokens("\"start_time\":")
    write(members, Member.startTime, to: &writer) { reader, place, writer in reader.writeTime(place, to: &writer) }
    writer.tokens("\"end_time\":")
    write(members, Member.endTime, to: &writer) { reader, place, writer in reader.writeTime(place, to: &writer) }
    writer.tokens("\"context\":")
    write(members, Member.context, to: &writer) { reader, place, writer in
      reader.writeNullableContext(place, to: &writer)
    }
    writer.tokens("\"parent\":")
    write(members, Member.parent, to: &writer) { reader, place, writer in
      reader.writeNullableContext(place, to: &writer)
    }
    writer.tokens("\"resource\":")
    write(members, Member.resource, to: &writer) { reader, place, writer in reader.writeResource(place, to: &writer) }
    writeExtras(members, to: &writer)
    span.answer = writer.bytes
    return span
  }

  /// Writes a member that must be there.
  @inline(__always)
  mutating func write(
    _ members: ModelMembers, _ index: Int, to writer: inout JSONWriter,
    _ body: (inout RequestReader, Int, inout JSONWriter) -> Void
  ) {
    member(members, index, or: ()) { reader, place in body(&reader, place, &writer) }
  }

  /// Writes a list.
  mutating func writeList(
    _ place: Int, to writer: inout JSONWriter, _ body: (inout RequestReader, Int, inout JSONWriter) -> Void
  ) {
    writer.beginArray()
    _ = list(place) { reader, element -> Void? in
      body(&reader, element, &writer)
      return nil
    }
    writer.endArray()
  }

  /// Writes the members that the model does not know, as they were sent.
  func writeExtras(_ members: ModelMembers, to writer: inout JSONWriter) {
    for key in members.extras {
      writer.key(document, key)
      writer.verbatim(document, key + 1)
    }
  }

  mutating func writeString(_ place: Int, to writer: inout JSONWriter) {
    if document.isString(place) { return writer.string(document, place) }
    note(.notString, at: place)
    writer.null()
  }

  mutating func nullableString(_ place: Int) -> String? {
    document.kind(place) == .null ? nil : string(place)
  }

  /// Writes seconds, or null.
  mutating func writeTime(_ place: Int, to writer: inout JSONWriter) {
    if document.kind(place) == .null { writer.null() } else { writer.double(double(place)) }
  }
}
