import JSON

/// The members of an object, of which each name counts once, as in a Python dictionary.
enum DistinctMembers {
  /// Objects up to this size are searched for each name; larger ones get a table.
  private static let smallCount = 32

  /// The places of the keys: of equal ones the last, where the first one stood.
  static func keys(_ document: JSONDocument, _ object: Int) -> [Int] {
    var keys: [Int] = []
    for key in document.keys(object) {
      if keys.count == smallCount { return manyKeys(document, object) }
      if let first = keys.firstIndex(where: { areEqual(document, $0, key) }) {
        keys[first] = key
      } else {
        keys.append(key)
      }
    }
    return keys
  }

  private static func manyKeys(_ document: JSONDocument, _ object: Int) -> [Int] {
    var keys: [Int] = []
    var indices: [ArraySlice<UInt8>: Int] = [:]
    for key in document.keys(object) {
      let name = bytes(document, key)
      if let first = indices[name] {
        keys[first] = key
      } else {
        indices[name] = keys.count
        keys.append(key)
      }
    }
    return keys
  }

  @inline(__always)
  private static func areEqual(_ document: JSONDocument, _ first: Int, _ second: Int) -> Bool {
    guard document.kind(first) == .plainString, document.kind(second) == .plainString else {
      return bytes(document, first) == bytes(document, second)
    }
    let first = document.content(first)
    let second = document.content(second)
    guard first.count == second.count else { return false }
    // From the end: keys of one object often begin alike.
    var index = first.count - 1
    while index >= 0 {
      if document.bytes[first.lowerBound + index] != document.bytes[second.lowerBound + index] { return false }
      index -= 1
    }
    return true
  }

  private static func bytes(_ document: JSONDocument, _ key: Int) -> ArraySlice<UInt8> {
    if document.kind(key) == .plainString { return document.bytes[document.content(key)] }
    var bytes: [UInt8] = []
    document.appendString(key, to: &bytes)
    return bytes[...]
  }
}
