import JSON

/// Numbers and bools as pydantic reads them from JSON, where it is not strict.
enum LaxNumber {
  /// Why a value is none.
  enum Problem: Error {
    case notInteger, fractionalInteger, unreadableInteger, largeInteger
    case notDouble, unreadableDouble
    case notBool, unreadableBool

    var fault: RequestFault {
      switch self {
      case .notInteger: .notInteger
      case .fractionalInteger: .fractionalInteger
      case .unreadableInteger: .unreadableInteger
      case .largeInteger: .largeInteger
      case .notDouble: .notDouble
      case .unreadableDouble: .unreadableDouble
      case .notBool: .notBool
      case .unreadableBool: .unreadableBool
      }
    }
  }

  static func integer(_ document: JSONDocument, _ place: Int) -> Result<Int64, Problem> {
    switch document.kind(place) {
    case .true: return .success(1)
    case .false: return .success(0)
    case .integer: return document.int64(place).map { .success($0) } ?? .failure(.largeInteger)
    case .double:
      let value = document.double(place)
      guard value.rounded(.towardZero) == value else { return .failure(.fractionalInteger) }
      return Int64(exactly: value).map { .success($0) } ?? .failure(.largeInteger)
    case .string, .plainString: return LaxText.integer(document.string(place))
    case .null, .array, .object: return .failure(.notInteger)
    }
  }

  static func double(_ document: JSONDocument, _ place: Int) -> Result<Double, Problem> {
    switch document.kind(place) {
    case .true: return .success(1)
    case .false: return .success(0)
    case .integer, .double: return .success(document.double(place))
    case .string, .plainString:
      return LaxText.double(document.string(place)).map { .success($0) } ?? .failure(.unreadableDouble)
    case .null, .array, .object: return .failure(.notDouble)
    }
  }

  static func bool(_ document: JSONDocument, _ place: Int) -> Result<Bool, Problem> {
    switch document.kind(place) {
    case .true: return .success(true)
    case .false: return .success(false)
    case .integer:
      // One that 64 bits do not hold is tried as a double, which says that it is no bool.
      guard let value = document.int64(place) else { return .failure(.notBool) }
      return bool(value)
    case .double:
      guard let value = Int64(exactly: document.double(place)) else { return .failure(.notBool) }
      return bool(value)
    case .string, .plainString:
      switch document.string(place).lowercased() {
      case "1", "true", "t", "yes", "y", "on": return .success(true)
      case "0", "false", "f", "no", "n", "off": return .success(false)
      default: return .failure(.unreadableBool)
      }
    case .null, .array, .object: return .failure(.notBool)
    }
  }

  private static func bool(_ value: Int64) -> Result<Bool, Problem> {
    value == 0 || value == 1 ? .success(value == 1) : .failure(.unreadableBool)
  }
}
