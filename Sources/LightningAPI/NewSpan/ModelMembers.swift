import JSON

/// The members of an object that is an instance of a model which keeps what it does not know.
struct ModelMembers {
  let object: Int
  let names: [StaticString]
  /// The places of the values, in the order of the names; ``absent`` where there is none.
  private(set) var values: [Int]
  /// The places of the other keys, in the order of the text.
  private(set) var extras: [Int] = []

  /// The outermost value, which is no member.
  static let absent = JSONDocument.root

  init(_ document: JSONDocument, _ object: Int, _ names: [StaticString]) {
    self.object = object
    self.names = names
    values = Array(repeating: Self.absent, count: names.count)
    for key in DistinctMembers.keys(document, object) {
      if let index = names.firstIndex(where: { document.string(key, equals: $0) }) {
        values[index] = key + 1
      } else {
        extras.append(key)
      }
    }
  }
}

extension RequestReader {
  /// Reads a member of a model that must be there.
  @inline(__always)
  mutating func member<Value>(
    _ members: ModelMembers, _ index: Int, or substitute: Value, _ read: (inout RequestReader, Int) -> Value
  ) -> Value {
    let place = members.values[index]
    guard place != ModelMembers.absent else {
      noteMissing(members.names[index], in: members.object)
      return substitute
    }
    // The step is made for a fault alone: a name of a model is a constant, but making a text of it is not free.
    let count = faults.count
    let value = read(&self, place)
    if faults.count > count { insert(.name("\(members.names[index])"), from: count) }
    return value
  }
}
