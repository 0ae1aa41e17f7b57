import JSON

/// The members of the object that a request has as its body.
///
/// Unknown members are ignored and null is absent, as AReaL's models have it.
struct SessionRequestMembers {
  private let value: JSONValue

  /// - Parameter bytes: An empty body is an empty object.
  init(_ bytes: [UInt8]) throws(SessionFailure) {
    guard !bytes.isEmpty else {
      value = .object([])
      return
    }
    guard let value = try? JSONValue(parsing: bytes.span, maximumDepth: 64), case .object = value else {
      throw SessionFailure(422, "the body must be a JSON object")
    }
    self.value = value
  }

  private subscript(_ name: String) -> JSONValue? {
    switch value[name] {
    case nil, .null?: nil
    case let member?: member
    }
  }

  func text(_ name: String) throws(SessionFailure) -> String? {
    switch self[name] {
    case nil: return nil
    case .string(let text)?: return text
    default: throw SessionFailure(422, "\(name) must be a string")
    }
  }

  func number(_ name: String) throws(SessionFailure) -> Double? {
    switch self[name] {
    case nil: return nil
    case .integer(let number)?: return Double(number)
    case .double(let number)? where number.isFinite: return number
    default: throw SessionFailure(422, "\(name) must be a number")
    }
  }

  func flag(_ name: String) throws(SessionFailure) -> Bool? {
    switch self[name] {
    case nil: return nil
    case .bool(let flag)?: return flag
    default: throw SessionFailure(422, "\(name) must be true or false")
    }
  }

  func integer(_ name: String, _ range: ClosedRange<Int64>) throws(SessionFailure) -> Int64? {
    switch self[name] {
    case nil: return nil
    case .integer(let number)? where range.contains(number): return number
    default:
      throw SessionFailure(422, "\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
  }

  /// Seconds, as nanoseconds.
  func duration(_ name: String) throws(SessionFailure) -> Int64? {
    guard let seconds = try number(name) else { return nil }
    guard seconds > 0, seconds <= 1e9 else { throw SessionFailure(422, "\(name) must be from 0 to 1000000000 seconds") }
    return Int64(seconds * 1e9)
  }

  func texts(_ name: String) throws(SessionFailure) -> [String]? {
    guard let member = self[name] else { return nil }
    guard case .array(let elements) = member, elements.count <= 1_000 else {
      throw SessionFailure(422, "\(name) must be a list of strings")
    }
    var texts: [String] = []
    for element in elements {
      guard case .string(let text) = element, !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x20 }) else {
        throw SessionFailure(422, "\(name) must be a list of strings")
      }
      texts.append(text)
    }
    return texts
  }
}
