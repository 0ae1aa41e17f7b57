import JSON
import Telemetry

/// Reads the values of a request the way pydantic does: it goes on after a fault, and collects all of them in order.
///
/// A value that is at fault reads as some value of its type; whoever has read a request asks ``faults`` before using it.
struct RequestReader {
  /// More faults than this help nobody.
  private static let maximumFaults = 256

  /// A fault shows values up to this size, in bytes: what a client gets back must not be a multiple of what it sent.
  private static let maximumInput = 16 << 10

  let document: JSONDocument
  private(set) var faults: [RequestFault] = []
  private var location: [RequestFault.Step]
  /// Whether a missing field shows the object that should have it.
  private let showsObjects: Bool

  /// Reads a body.
  init(body: JSONDocument) {
    document = body
    location = [.name("body")]
    showsObjects = true
  }

  /// Reads the parameters of a URL, which were made an object.
  init(query: JSONDocument) {
    document = query
    location = [.name("query")]
    showsObjects = false
  }

  // MARK: Faults

  /// Whether no more faults are noted.
  var isFull: Bool { faults.count >= Self.maximumFaults }

  /// Notes a fault of a value.
  mutating func note(_ fault: RequestFault, at place: Int) {
    guard faults.count < Self.maximumFaults else { return }
    var fault = fault
    fault.location = location
    let range = document.text(place)
    if range.count <= Self.maximumInput { fault.input = text(place) }
    faults.append(fault)
  }

  /// Notes that an object has no member of a name.
  mutating func noteMissing(_ name: StaticString, in object: Int) {
    within(.name("\(name)")) { reader in
      let count = reader.faults.count
      reader.note(.missing, at: object)
      if !reader.showsObjects && reader.faults.count > count { reader.faults[count].input = .null }
    }
  }

  /// Reads something with one more step in the location of its faults.
  @inline(__always)
  mutating func within<Result>(_ step: RequestFault.Step, _ read: (inout RequestReader) -> Result) -> Result {
    location.append(step)
    defer { location.removeLast() }
    return read(&self)
  }

  /// Puts a step into the locations of the faults from an index on, at the place where the reader stands.
  mutating func insert(_ step: RequestFault.Step, from index: Int) {
    for index in faults.indices[index...] { faults[index].location.insert(step, at: location.count) }
  }

  /// Throws the faults, if there are any.
  func check() throws(RequestFailure) {
    if !faults.isEmpty { throw .invalid(faults) }
  }

  // MARK: Members of objects

  /// Notes a fault unless a value is an object.
  mutating func isObject(_ place: Int) -> Bool {
    if document.kind(place) == .object { return true }
    note(.notObject, at: place)
    return false
  }

  /// Reads a member that must be there.
  mutating func required<Value>(
    _ object: Int, _ name: StaticString, or substitute: Value, _ read: (inout RequestReader, Int) -> Value
  ) -> Value {
    guard let place = document.member(object, name) else {
      noteMissing(name, in: object)
      return substitute
    }
    return within(.name("\(name)")) { reader in read(&reader, place) }
  }

  /// Reads a member that may be absent, but not null.
  mutating func optional<Value>(
    _ object: Int, _ name: StaticString, _ read: (inout RequestReader, Int) -> Value
  ) -> Value? {
    guard let place = document.member(object, name) else { return nil }
    return within(.name("\(name)")) { reader in read(&reader, place) }
  }

  /// Reads a member that may be absent or null, which are the same.
  mutating func nullable<Value>(
    _ object: Int, _ name: StaticString, _ read: (inout RequestReader, Int) -> Value?
  ) -> Value? {
    guard let place = document.member(object, name), document.kind(place) != .null else { return nil }
    return within(.name("\(name)")) { reader in read(&reader, place) }
  }

  /// Whether a member is there and null.
  func isNull(_ object: Int, _ name: StaticString) -> Bool {
    document.member(object, name).map { document.kind($0) == .null } ?? false
  }

  /// Reads a list.
  mutating func list<Element>(_ place: Int, _ read: (inout RequestReader, Int) -> Element?) -> [Element] {
    guard document.kind(place) == .array else {
      note(.notList, at: place)
      return []
    }
    var elements: [Element] = []
    for (index, place) in document.elements(place).enumerated() {
      if let element = within(.index(index), { reader in read(&reader, place) }) { elements.append(element) }
      if faults.count >= Self.maximumFaults { break }
    }
    return elements
  }

  // MARK: JSON

  /// A value as its sender has written it.
  func text(_ place: Int) -> JSONText {
    JSONText(String(decoding: document.bytes[document.text(place)], as: UTF8.self))
  }

  /// An object as its sender has written it.
  mutating func dictionary(_ place: Int) -> JSONText {
    if document.kind(place) == .object { return text(place) }
    note(.notDictionary, at: place)
    return .emptyObject
  }
}
