import Telemetry

/// One thing that is wrong with a request, in pydantic's words.
///
/// Agent Lightning's server answers `{"detail":[{"type":...,"loc":[...],"msg":...,"input":...,"ctx":{...}}]}`.
struct RequestFault: Hashable, Sendable {
  /// One step on the way to a value.
  enum Step: Hashable, Sendable {
    case name(String)
    case index(Int)
  }

  var type: String
  var message: String
  var location: [Step] = []
  /// The value, as it was sent.
  var input = JSONText.null
  var context: [(name: String, value: JSONText)] = []

  init(_ type: String, _ message: String, context: [(name: String, value: JSONText)] = []) {
    self.type = type
    self.message = message
    self.context = context
  }

  static func == (first: RequestFault, second: RequestFault) -> Bool {
    first.type == second.type && first.location == second.location && first.message == second.message
      && first.input == second.input && first.context.elementsEqual(second.context) { $0 == $1 }
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(type)
    hasher.combine(location)
  }
}

extension RequestFault {
  static let missing = RequestFault("missing", "Field required")
  static let notObject = RequestFault(
    "model_attributes_type", "Input should be a valid dictionary or object to extract fields from")
  static let notDictionary = RequestFault("dict_type", "Input should be a valid dictionary")
  static let notList = RequestFault("list_type", "Input should be a valid list")
  static let notString = RequestFault("string_type", "Input should be a valid string")
  /// Bytes of an id.
  static let longestIdentifier = 1024
  static let longIdentifier = RequestFault(
    "string_too_long", "String should have at most 1024 characters", context: [("max_length", JSONText("1024"))])
  static let notFinite = RequestFault("finite_number", "Input should be a finite number")

  static let notInteger = RequestFault("int_type", "Input should be a valid integer")
  static let fractionalInteger = RequestFault(
    "int_from_float", "Input should be a valid integer, got a number with a fractional part")
  static let unreadableInteger = RequestFault(
    "int_parsing", "Input should be a valid integer, unable to parse string as an integer")
  static let largeInteger = RequestFault(
    "int_parsing_size", "Unable to parse input string as an integer, exceeded maximum size")

  static let notDouble = RequestFault("float_type", "Input should be a valid number")
  static let unreadableDouble = RequestFault(
    "float_parsing", "Input should be a valid number, unable to parse string as a number")

  static let notBool = RequestFault("bool_type", "Input should be a valid boolean")
  static let unreadableBool = RequestFault(
    "bool_parsing", "Input should be a valid boolean, unable to interpret input")

  static func tooSmall(_ minimum: Int64) -> RequestFault {
    RequestFault(
      "greater_than_equal", "Input should be greater than or equal to \(minimum)",
      context: [("ge", JSONText("\(minimum)"))])
  }

  /// - Parameter words: What is allowed.
  static func notOneOf(_ words: [String]) -> RequestFault {
    let quoted = words.map { "'\($0)'" }
    let list = quoted.dropLast().joined(separator: ", ") + (quoted.count > 1 ? " or " : "") + (quoted.last ?? "")
    return RequestFault("literal_error", "Input should be \(list)", context: [("expected", JSONText(string: list))])
  }
}
