/// A JSON document as a tree, for documents that are small.
///
/// Integers and doubles stay apart: `1` is an integer, `1.0` and `1e0` are doubles, and so is an integer that 64 bits
/// cannot hold.
public enum JSONValue: Hashable, Sendable {
  case null
  case bool(Bool)
  case integer(Int64)
  case double(Double)
  case string(String)
  case array([JSONValue])
  /// The members in the order of the text; keys can repeat.
  case object([JSONMember])

  /// The value of the last member of that name; `nil` when there is none or this is no object.
  public subscript(key: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.last { $0.key == key }?.value
  }
}

/// One member of an object.
public struct JSONMember: Hashable, Sendable {
  /// The name, decoded.
  public var key: String
  /// What it stands for.
  public var value: JSONValue

  /// Makes a member.
  public init(_ key: String, _ value: JSONValue) {
    self.key = key
    self.value = value
  }
}

extension JSONValue {
  /// Parses a document.
  ///
  /// - Parameter maximumDepth: How many arrays and objects may lie inside each other. Each takes a few hundred bytes of
  ///   stack.
  public init(parsing bytes: Span<UInt8>, maximumDepth: Int = 512) throws(JSONError) {
    var reader = JSONReader(bytes, maximumDepth: maximumDepth)
    self = try reader.value()
    try reader.finish()
  }
}

extension JSONReader {
  /// Reads the next value as a tree.
  @_lifetime(self: copy self)
  public mutating func value() throws(JSONError) -> JSONValue {
    switch try nextKind() {
    case .null:
      try null()
      return .null
    case .bool: return .bool(try bool())
    case .number:
      let number = try number()
      if number.isInteger, let integer = int64(number) { return .integer(integer) }
      guard let double = double(number) else { throw JSONError(.invalidValue, at: number.range.lowerBound) }
      return .double(double)
    case .string: return .string(decoded(try string()))
    case .array:
      var elements: [JSONValue] = []
      try beginArray()
      while try nextElement() { elements.append(try value()) }
      return .array(elements)
    case .object:
      var members: [JSONMember] = []
      try beginObject()
      while let key = try nextKey() { members.append(JSONMember(decoded(key), try value())) }
      return .object(members)
    }
  }
}

extension JSONWriter {
  /// Writes a tree.
  public mutating func value(_ value: JSONValue) {
    switch value {
    case .null: null()
    case .bool(let value): bool(value)
    case .integer(let value): integer(value)
    case .double(let value): double(value)
    case .string(let value): string(value)
    case .array(let elements):
      beginArray()
      for element in elements { self.value(element) }
      endArray()
    case .object(let members):
      beginObject()
      for member in members {
        key(member.key)
        self.value(member.value)
      }
      endObject()
    }
  }
}
