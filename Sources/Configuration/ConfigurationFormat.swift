/// How values of one type are written in a configuration.
struct ConfigurationFormat<Value>: Sendable {
  /// What the type is called in the documentation.
  let type: String
  /// What a plain number counts, where the type has units.
  var unit: String?
  /// What is allowed, for error messages: "a duration such as 10s".
  let expectation: String
  /// Whether the value is never shown, in error messages or elsewhere.
  var isSecret = false
  /// Whether error messages keep to themselves what is no value, because people put secrets there by mistake.
  var hidesMistakes = false
  /// Reads a value; `nil` when it is not what is expected.
  let parse: @Sendable (ConfigurationValue) -> Value?
  /// Writes a value so that `parse` reads the same one.
  let render: @Sendable (Value) -> ConfigurationValue
}

extension ConfigurationFormat {
  /// A format for what is one text, never a list.
  init(
    _ type: String, unit: String? = nil, expecting expectation: String, parse: @escaping @Sendable (String) -> Value?,
    render: @escaping @Sendable (Value) -> String
  ) {
    self.init(
      type: type, unit: unit, expectation: expectation,
      parse: { value in
        guard case .text(let text) = value else { return nil }
        return parse(text)
      },
      render: { .text(render($0)) })
  }

  /// A list: a YAML sequence, or a text with commas; an empty text is an empty list.
  static func list<Element>(
    _ type: String, expecting expectation: String, parse: @escaping @Sendable (String) -> Element?,
    render: @escaping @Sendable (Element) -> String
  ) -> Self where Value == [Element] {
    Self(
      type: type, expectation: expectation,
      parse: { value in
        var elements: [Element] = []
        for text in value.elements {
          guard let element = parse(text) else { return nil }
          elements.append(element)
        }
        return elements
      },
      render: { elements in
        elements.count == 1 ? .text(render(elements[0])) : .list(elements.map(render))
      })
  }
}

extension ConfigurationValue {
  fileprivate var elements: [String] {
    switch self {
    case .list(let elements): elements
    case .text(let text) where text.allSatisfy(\.isWhitespace): []
    case .text(let text):
      text.split(separator: ",", omittingEmptySubsequences: false).map { part in
        let start = part.drop(while: \.isWhitespace)
        return String(start.reversed().drop(while: \.isWhitespace).reversed())
      }
    }
  }
}
