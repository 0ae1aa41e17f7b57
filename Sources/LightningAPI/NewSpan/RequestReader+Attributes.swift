import JSON

extension RequestReader {
  /// Writes attributes as Agent Lightning answers them.
  mutating func writeAttributes(_ place: Int, to writer: inout JSONWriter) {
    guard document.kind(place) == .object else {
      note(.notDictionary, at: place)
      return writer.tokens("{}")
    }
    writer.beginObject()
    for key in DistinctMembers.keys(document, place) {
      writer.key(document, key)
      if let form = AttributeForm(document, key + 1) {
        writer.attribute(document, key + 1, form)
      } else {
        writer.null()
        guard !isFull else { continue }
        let count = faults.count
        noteAttribute(key + 1)
        insert(.name(document.string(key)), from: count)
      }
    }
    writer.endObject()
  }

  // MARK: Faults

  private static let scalarFaults: [(String, RequestFault)] = [
    ("str", .notString), ("bool", .notBool), ("int", .notInteger), ("float", .notDouble),
  ]

  /// How pydantic calls a `Sequence[str]` in the location of its faults.
  private static func listName(_ type: String) -> String {
    "json-or-python[json=list[\(type)],python=chain[is-instance[Sequence],function-wrap[sequence_validator()]]]"
  }

  /// Notes for each type that a value could have why it has not.
  private mutating func noteAttribute(_ place: Int) {
    for (type, fault) in Self.scalarFaults {
      within(.name(type)) { reader in reader.note(fault, at: place) }
    }
    for (type, _) in Self.scalarFaults {
      within(.name(Self.listName(type))) { reader in reader.noteList(place, of: type) }
    }
  }

  private mutating func noteList(_ place: Int, of type: String) {
    guard document.kind(place) == .array else {
      return note(
        RequestFault(
          "is_instance_of", "Input should be an instance of Sequence", context: [("class", .init(string: "Sequence"))]),
        at: place)
    }
    _ = list(place) { reader, element -> Void? in
      switch type {
      case "str": _ = reader.string(element)
      case "bool": _ = reader.bool(element)
      case "int": _ = reader.integer(element)
      default: _ = reader.double(element)
      }
      return nil
    }
  }
}

extension JSONWriter {
  /// Writes the key of a member.
  @inline(__always)
  mutating func key(_ document: JSONDocument, _ place: Int) {
    string(document, place)
    continuation(":")
  }

  /// Writes a string of a document.
  @inline(__always)
  mutating func string(_ document: JSONDocument, _ place: Int) {
    if document.kind(place) == .plainString {
      string(document.bytes.span, at: document.content(place))
    } else {
      string(document.string(place))
    }
  }

  /// Writes a value of a document as it was sent.
  mutating func verbatim(_ document: JSONDocument, _ place: Int) {
    json(document.bytes.span.extracting(document.text(place)))
  }

  /// Writes a value of an attribute as a value of its type.
  mutating func attribute(_ document: JSONDocument, _ place: Int, _ form: AttributeForm) {
    switch form {
    case .string: string(document, place)
    case .bool: bool(document.kind(place) == .true)
    case .integer: integer(document, place)
    case .double: double(document.double(place))
    case .strings: list(document, place) { writer, place in writer.string(document, place) }
    case .bools:
      list(document, place) { writer, place in writer.bool((try? LaxNumber.bool(document, place).get()) ?? false) }
    case .integers: list(document, place) { writer, place in writer.integer(document, place) }
    case .doubles:
      list(document, place) { writer, place in writer.double((try? LaxNumber.double(document, place).get()) ?? 0) }
    }
  }

  private mutating func list(_ document: JSONDocument, _ place: Int, _ write: (inout JSONWriter, Int) -> Void) {
    beginArray()
    for element in document.elements(place) { write(&self, element) }
    endArray()
  }

  /// Writes an integer; one that 64 bits do not hold keeps its digits.
  private mutating func integer(_ document: JSONDocument, _ place: Int) {
    switch LaxNumber.integer(document, place) {
    case .success(let value): integer(value)
    case .failure: verbatim(document, place)
    }
  }
}
