// A place must come from the document that is asked; another one traps.
extension JSONDocument {
  /// What the value at a place is.
  @inlinable @inline(__always)
  public func kind(_ place: Int) -> Kind { nodes[place].kind }

  /// The place behind a value and all that it contains.
  @inlinable @inline(__always)
  public func end(_ place: Int) -> Int { Int(nodes[place].next) }

  /// Whether the value is a string.
  @inlinable @inline(__always)
  public func isString(_ place: Int) -> Bool { kind(place) == .plainString || kind(place) == .string }

  /// Where the text of a value lies, without the quotation marks of a string.
  @inlinable @inline(__always)
  public func content(_ place: Int) -> Range<Int> {
    let node = nodes[place]
    return Int(node.start)..<Int(node.end)
  }

  /// Where the text of a value lies, as its sender has written it.
  @inlinable public func text(_ place: Int) -> Range<Int> {
    let range = content(place)
    return isString(place) ? range.lowerBound - 1..<range.upperBound + 1 : range
  }

  /// Whether a string says this.
  @inlinable @inline(__always)
  public func string(_ place: Int, equals text: StaticString) -> Bool {
    let node = nodes[place]
    guard node.kind == .plainString else { return node.kind == .string && string(place) == "\(text)" }
    let count = text.utf8CodeUnitCount
    guard Int(node.end &- node.start) == count else { return false }
    for index in 0..<count where unsafe bytes[Int(node.start) &+ index] != text.utf8Start[index] { return false }
    return true
  }

  /// What a string says; ill-formed Unicode becomes U+FFFD.
  public func string(_ place: Int) -> String {
    let range = content(place)
    if kind(place) == .plainString { return String(decoding: bytes[range], as: UTF8.self) }
    var result: [UInt8] = []
    appendString(place, to: &result)
    return String(decoding: result, as: UTF8.self)
  }

  /// Appends what a string says, as well-formed UTF-8.
  public func appendString(_ place: Int, to result: inout [UInt8]) {
    let range = content(place)
    if kind(place) == .plainString { return result.append(contentsOf: bytes[range]) }
    JSONReader(bytes.span).append(JSONString(range: range, isPlain: false), to: &result)
  }

  /// An integer that 64 bits hold; `nil` for larger ones.
  public func int64(_ place: Int) -> Int64? { DecimalText(bytes.span, at: content(place))?.int64 }

  /// The double nearest to a number, an infinity beyond the largest ones.
  public func double(_ place: Int) -> Double {
    let range = content(place)
    if let value = DecimalText(bytes.span, at: range)?.double { return value }
    return bytes[range.lowerBound] == UInt8(ascii: "-") ? -.infinity : .infinity
  }

  /// The places of the elements of an array.
  @inlinable public func elements(_ array: Int) -> Places {
    Places(document: self, isObject: false, place: array + 1, end: end(array))
  }

  /// The places of the keys of an object; each value stands behind its key.
  @inlinable public func keys(_ object: Int) -> Places {
    Places(document: self, isObject: true, place: object + 1, end: end(object))
  }

  /// Places inside an array or an object.
  @frozen public struct Places: Sequence, IteratorProtocol {
    @usableFromInline let document: JSONDocument
    @usableFromInline let isObject: Bool
    @usableFromInline var place: Int
    @usableFromInline let end: Int

    @inlinable init(document: JSONDocument, isObject: Bool, place: Int, end: Int) {
      self.document = document
      self.isObject = isObject
      self.place = place
      self.end = end
    }

    /// The next place.
    @inlinable @inline(__always)
    public mutating func next() -> Int? {
      guard place < end else { return nil }
      defer { place = document.end(isObject ? place + 1 : place) }
      return place
    }
  }

  /// The value of the last member of that name.
  @inlinable public func member(_ object: Int, _ name: StaticString) -> Int? {
    var result: Int?
    for key in keys(object) where string(key, equals: name) { result = key + 1 }
    return result
  }
}
