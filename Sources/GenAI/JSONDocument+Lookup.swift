import JSON

// Documents come from anybody: a value that is missing, `null` or of another type is no value.
extension JSONDocument {
  /// The member of an object, unless it is `null`.
  func value(_ object: Int?, _ name: StaticString) -> Int? {
    guard let object, kind(object) == .object, let place = member(object, name), kind(place) != .null else {
      return nil
    }
    return place
  }

  /// A member that is a string.
  func text(_ object: Int?, _ name: StaticString) -> String? {
    guard let place = value(object, name), isString(place) else { return nil }
    return string(place)
  }

  /// A member that is a string and not empty.
  func nonEmptyText(_ object: Int?, _ name: StaticString) -> String? {
    guard let text = text(object, name), !text.isEmpty else { return nil }
    return text
  }

  /// A member that is an integer; `2.0` is one.
  func integer(_ object: Int?, _ name: StaticString) -> Int64? {
    guard let place = value(object, name), kind(place) == .integer || kind(place) == .double else { return nil }
    return int64(place)
  }

  /// A member that is a finite number.
  func number(_ object: Int?, _ name: StaticString) -> Double? {
    guard let place = value(object, name), kind(place) == .integer || kind(place) == .double else { return nil }
    let number = double(place)
    return number.isFinite ? number : nil
  }

  /// Whether a member is `true`.
  func flag(_ object: Int?, _ name: StaticString) -> Bool {
    value(object, name).map { kind($0) == .true } ?? false
  }

  /// The elements of an array.
  func items(_ place: Int?) -> [Int] {
    guard let place, kind(place) == .array else { return [] }
    return Array(elements(place))
  }

  /// The elements of a member that is an array.
  func items(_ object: Int?, _ name: StaticString) -> [Int] { items(value(object, name)) }

  /// The value as its sender wrote it.
  func json(_ place: Int) -> String { String(decoding: bytes[text(place)], as: UTF8.self) }

  /// The integers of an array; `nil` when this is none, or something else is among them.
  func integers(_ array: Int?) -> [Int64]? {
    guard let array, kind(array) == .array else { return nil }
    var result: [Int64] = []
    for element in elements(array) {
      guard kind(element) == .integer, let integer = int64(element) else { return nil }
      result.append(integer)
    }
    return result
  }
}
