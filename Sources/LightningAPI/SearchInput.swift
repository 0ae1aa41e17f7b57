import JSON

/// The values of a query, from a JSON object or from the parameters of a URL, read the way pydantic reads them.
struct SearchInput {
  enum Source {
    case body(JSONValue)
    case query([(name: String, value: String)])
  }

  /// `body` or `query`, for messages.
  let place: String
  let source: Source

  /// The value of a name: `nil` when it is absent.
  private func value(_ name: String) -> JSONValue? {
    switch source {
    case .body(let object): object[name]
    case .query(let parameters): parameters.last { $0.name == name }.map { .string($0.value) }
    }
  }

  func isNull(_ name: String) -> Bool { value(name) == .null }

  func missing(_ name: String) -> SpanSearch.Fault {
    let input: JSONValue = if case .body(let object) = source { object } else { .null }
    return .invalid(type: "missing", location: [place, name], message: "Field required", input: input)
  }

  func string(_ name: String) throws(SpanSearch.Fault) -> String? {
    switch value(name) {
    case nil, .null?: return nil
    case .string(let text)?: return text
    case let other?:
      throw .invalid(
        type: "string_type", location: [place, name], message: "Input should be a valid string", input: other)
    }
  }

  /// An integer, also as text or as a double without a fraction.
  func integer(_ name: String) throws(SpanSearch.Fault) -> Int? {
    let value = value(name)
    switch value {
    case nil: return nil
    case .integer(let number)?: return Int(number)
    case .double(let number)?:
      if let exact = Int(exactly: number) { return exact }
      throw .invalid(
        type: "int_from_float", location: [place, name],
        message: "Input should be a valid integer, got a number with a fractional part", input: .double(number))
    case .string(let text)?:
      if let number = Int(text) { return number }
      throw .invalid(
        type: "int_parsing", location: [place, name],
        message: "Input should be a valid integer, unable to parse string as an integer", input: .string(text))
    case let other?:
      throw .invalid(
        type: "int_type", location: [place, name], message: "Input should be a valid integer", input: other)
    }
  }

  func choice(_ name: String, _ choices: [String]) throws(SpanSearch.Fault) -> String? {
    guard let text = value(name) else { return nil }
    if case .string(let text) = text, choices.contains(text) { return text }
    let list = choices.map { "'\($0)'" }.joined(separator: " or ")
    throw .invalid(
      type: "literal_error", location: [place, name], message: "Input should be \(list)", input: text)
  }
}
