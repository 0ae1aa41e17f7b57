import JSON
import Protobuf
import Telemetry

extension SpanEncoder {
  /// A string; an empty one is absent.
  mutating func string(_ field: UInt32, _ place: Int) {
    let document = span.document
    if document.kind(place) == .plainString {
      let range = document.content(place)
      if !range.isEmpty { writer.bytesField(field, document.bytes.span.extracting(range)) }
    } else if document.kind(place) == .string {
      writer.stringField(field, document.string(place))
    }
  }

  mutating func traceID(_ field: UInt32, _ id: TraceID) {
    writer.tag(.lengthDelimited(field))
    writer.varint(16)
    bigEndian(id.high)
    bigEndian(id.low)
  }

  mutating func spanID(_ field: UInt32, _ id: UInt64) {
    writer.tag(.lengthDelimited(field))
    writer.varint(8)
    bigEndian(id)
  }

  private mutating func bigEndian(_ value: UInt64) {
    for shift in stride(from: UInt64(56), through: 0, by: -8) {
      writer.bytes.append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }

  /// Seconds, or null.
  mutating func time(_ field: UInt32, _ place: Int) {
    guard case .success(let seconds) = LaxNumber.double(span.document, place) else { return }
    let value = Nanoseconds.value(seconds: seconds)
    if value != 0 { writer.fixed64Field(field, value) }
  }

  /// The `trace_state` of a context, as the header of that name spells it.
  mutating func traceState(_ field: UInt32, _ context: Int) {
    let document = span.document
    guard let state = document.member(context, "trace_state") else { return }
    var text: [UInt8] = []
    for key in document.keys(state) {
      if !text.isEmpty { text.append(UInt8(ascii: ",")) }
      document.appendString(key, to: &text)
      text.append(UInt8(ascii: "="))
      document.appendString(key + 1, to: &text)
    }
    if !text.isEmpty { writer.bytesField(field, text.span) }
  }

  // MARK: Attributes

  private static let ownKeys: [StaticString] = [
    "agentlightning.rollout_id", "agentlightning.attempt_id", "agentlightning.span_sequence_id",
  ]

  /// Writes attributes as `KeyValue` messages.
  ///
  /// - Parameter isSpan: Whether they are those of the span itself, which say where it belongs.
  mutating func attributes(_ field: UInt32, _ object: Int, isSpan: Bool = false) {
    let document = span.document
    for key in DistinctMembers.keys(document, object) {
      if isSpan, Self.ownKeys.contains(where: { document.string(key, equals: $0) }) { continue }
      guard let form = AttributeForm(document, key + 1) else { continue }
      let attribute = writer.beginMessage(field)
      string(1, key)
      let value = writer.beginMessage(2)
      self.value(key + 1, form)
      writer.endMessage(value)
      writer.endMessage(attribute)
    }
    guard isSpan else { return }
    ownAttribute(field, "agentlightning.rollout_id", span.rolloutID)
    ownAttribute(field, "agentlightning.attempt_id", span.attemptID)
    ownAttribute(field, "agentlightning.span_sequence_id", span.sequence)
  }

  private mutating func ownAttribute(_ field: UInt32, _ key: String, _ text: String) {
    let attribute = writer.beginMessage(field)
    writer.stringField(1, key)
    let value = writer.beginMessage(2)
    writer.stringField(1, text)
    writer.endMessage(value)
    writer.endMessage(attribute)
  }

  private mutating func ownAttribute(_ field: UInt32, _ key: String, _ number: Int64) {
    let attribute = writer.beginMessage(field)
    writer.stringField(1, key)
    let value = writer.beginMessage(2)
    writer.varintField(3, UInt64(bitPattern: number))
    writer.endMessage(value)
    writer.endMessage(attribute)
  }

  /// Writes the fields of an `AnyValue`.
  private mutating func value(_ place: Int, _ form: AttributeForm) {
    let document = span.document
    switch form {
    case .string:
      // An empty string is a value, an absent one is not.
      if document.content(place).isEmpty { writer.stringField(1, "") } else { string(1, place) }
    case .bool: writer.varintField(2, (try? LaxNumber.bool(document, place).get()) == true ? 1 : 0)
    case .integer: integer(place)
    case .double: writer.fixed64Field(4, ((try? LaxNumber.double(document, place).get()) ?? 0).bitPattern)
    case .strings: list(place, .string)
    case .bools: list(place, .bool)
    case .integers: list(place, .integer)
    case .doubles: list(place, .double)
    }
  }

  /// An integer that 64 bits do not hold becomes a double.
  private mutating func integer(_ place: Int) {
    switch LaxNumber.integer(span.document, place) {
    case .success(let value): writer.varintField(3, UInt64(bitPattern: value))
    case .failure: writer.fixed64Field(4, span.document.double(place).bitPattern)
    }
  }

  private mutating func list(_ place: Int, _ form: AttributeForm) {
    let list = writer.beginMessage(5)
    for element in span.document.elements(place) {
      let value = writer.beginMessage(1)
      self.value(element, form)
      writer.endMessage(value)
    }
    writer.endMessage(list)
  }
}
