import JSON

/// What a value of an attribute is to Agent Lightning's model: `str | bool | int | float` or a list of one of these.
enum AttributeForm {
  case string, bool, integer, double
  case strings, bools, integers, doubles

  /// - Returns: `nil` for what the model refuses.
  init?(_ document: JSONDocument, _ place: Int) {
    switch document.kind(place) {
    case .string, .plainString: self = .string
    case .true, .false: self = .bool
    case .integer: self = .integer
    case .double: self = .double
    case .array: self.init(document, list: place)
    case .null, .object: return nil
    }
  }

  private struct Kinds: OptionSet {
    let rawValue: UInt8
    static let string = Kinds(rawValue: 1)
    static let bool = Kinds(rawValue: 2)
    static let integer = Kinds(rawValue: 4)
    static let double = Kinds(rawValue: 8)
    static let other = Kinds(rawValue: 16)
  }

  private init?(_ document: JSONDocument, list: Int) {
    var kinds: Kinds = []
    for element in document.elements(list) {
      switch document.kind(element) {
      case .string, .plainString: kinds.insert(.string)
      case .true, .false: kinds.insert(.bool)
      case .integer: kinds.insert(.integer)
      case .double: kinds.insert(.double)
      case .null, .array, .object: return nil
      }
    }
    switch kinds {
    case [], .string: self = .strings
    case .bool: self = .bools
    case .integer: self = .integers
    case .double, [.integer, .double]: self = .doubles
    default: self.init(document, mixed: list)
    }
  }

  /// Of the types that all elements can be converted to the first one is taken; nothing but a string becomes one.
  private init?(_ document: JSONDocument, mixed list: Int) {
    if document.elements(list).allSatisfy({ LaxNumber.bool(document, $0).isSuccess }) {
      self = .bools
    } else if document.elements(list).allSatisfy({
      document.kind($0) == .integer || LaxNumber.integer(document, $0).isSuccess
    }) {
      self = .integers
    } else if document.elements(list).allSatisfy({ LaxNumber.double(document, $0).isSuccess }) {
      self = .doubles
    } else {
      return nil
    }
  }
}

extension Result {
  fileprivate var isSuccess: Bool { if case .success = self { true } else { false } }
}
