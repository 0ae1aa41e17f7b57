import OTLP
import Protobuf

/// What an `ArrayValue` is to Agent Lightning's models.
enum AGLListKind {
  /// Empty, or all strings, bools, ints or floats.
  case uniform
  /// Ints and floats.
  case numbers
  case other

  private enum Element {
    case string, bool, int, double, other

    init(_ value: AnyValueFields) {
      self =
        switch value {
        case .string, .bytes: .string
        case .bool: .bool
        case .int: .int
        // What is not finite is written as a string.
        case .double(let value): value.isFinite ? .double : .string
        case .empty, .array, .keyValueList: .other
        }
    }
  }

  init(_ bytes: Span<UInt8>, _ parts: MessageParts) throws(ProtobufError) {
    self = .uniform
    var first: Element?
    for index in 0..<parts.count {
      var reader = ProtobufReader(bytes, at: parts[index])
      while let range = try reader.nextOccurrence(of: 1) {
        let element = Element(try AnyValueFields(bytes, at: MessageParts(range)))
        if element == .other {
          self = .other
          return
        }
        guard let first else {
          first = element
          continue
        }
        if element == first { continue }
        guard [first, element].allSatisfy({ $0 == .int || $0 == .double }) else {
          self = .other
          return
        }
        self = .numbers
      }
    }
  }
}
