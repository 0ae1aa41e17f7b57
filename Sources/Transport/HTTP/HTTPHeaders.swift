/// Header or trailer fields in order, with lower-case names.
///
/// Field names are case-insensitive ([RFC 9110, section 5.1](https://www.rfc-editor.org/rfc/rfc9110#section-5.1));
/// lower case is what HTTP/2 demands on the wire, so it is what is kept, and what names are asked for in.
package struct HTTPHeaders: Sendable, Hashable, ExpressibleByDictionaryLiteral {
  /// One field.
  package struct Field: Sendable, Hashable {
    /// The name in lower case.
    package let name: String
    package let value: String
  }

  /// All fields in order.
  package private(set) var fields: [Field] = []

  package init() {}

  package init(dictionaryLiteral elements: (String, String)...) {
    for (name, value) in elements { append(name, value) }
  }

  /// Adds a field after those that are there, also when one has the same name.
  package mutating func append(_ name: String, _ value: String) {
    fields.append(Field(name: lowercasedFieldName(name), value: value))
  }

  /// Replaces all fields of a name by one.
  package mutating func set(_ name: String, _ value: String) {
    removeAll(name)
    append(name, value)
  }

  /// Removes all fields of a name.
  package mutating func removeAll(_ name: String) {
    assert(isLowercased(name))
    fields.removeAll { $0.name == name }
  }

  /// The value of the first field of a name.
  package func first(_ name: String) -> String? {
    assert(isLowercased(name))
    for field in fields where field.name == name { return field.value }
    return nil
  }

  /// The values of all fields of a name, in order.
  package func all(_ name: String) -> [String] {
    assert(isLowercased(name))
    return fields.compactMap { $0.name == name ? $0.value : nil }
  }

  /// Whether a comma-separated list field, such as `connection`, has a member; compared without case.
  ///
  /// - Parameter member: In lower case.
  package func list(_ name: String, contains member: String) -> Bool {
    assert(isLowercased(name) && isLowercased(member))
    for field in fields where field.name == name {
      for part in field.value.utf8.split(separator: UInt8(ascii: ",")) {
        if lowercasedFieldName(trimmed(part)) == member { return true }
      }
    }
    return false
  }

  package var isEmpty: Bool { fields.isEmpty }
  package var count: Int { fields.count }

  mutating func reserveCapacity(_ count: Int) { fields.reserveCapacity(count) }

  /// Adds to the value of the last field.
  mutating func extendLast(by text: String) {
    guard let last = fields.popLast() else { return }
    fields.append(Field(name: last.name, value: last.value + text))
  }

  /// Adds a field whose name is known to be in lower case.
  mutating func append(lowercased name: String, _ value: String) {
    fields.append(Field(name: name, value: value))
  }
}

/// The name in ASCII lower case; returned as it is when it already was, which costs no allocation.
private func lowercasedFieldName(_ name: String) -> String {
  isLowercased(name) ? name : String(decoding: name.utf8.map(lowercased), as: UTF8.self)
}

private func isLowercased(_ name: String) -> Bool { !name.utf8.contains(where: isUppercase) }

private func isUppercase(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") }

private func lowercased(_ byte: UInt8) -> UInt8 { isUppercase(byte) ? byte | 0x20 : byte }

private func trimmed(_ part: Substring.UTF8View) -> String {
  var part = part
  while let byte = part.first, byte == 0x20 || byte == 0x09 { part.removeFirst() }
  while let byte = part.last, byte == 0x20 || byte == 0x09 { part.removeLast() }
  return String(Substring(part))
}
