import OTLP
import Protobuf

/// The name under which Jaeger shows the service of a resource.
///
/// Jaeger needs one for every span, so it makes one up where the resource has none.
enum ShownService: Equatable {
  case named(Range<Int>)
  case missing
  case empty
  /// It is no string.
  case wrongType

  static let missingText: StaticString = "missing-service-name"
  static let emptyText: StaticString = "empty-service-name"
  static let wrongTypeText: StaticString = "service-name-wrong-type"

  /// What is shown in place of a name; `nil` for a name.
  var text: StaticString? {
    switch self {
    case .named: nil
    case .missing: Self.missingText
    case .empty: Self.emptyText
    case .wrongType: Self.wrongTypeText
    }
  }

  static func isKey(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool { bytes.equals("service.name", at: range) }

  /// Reads the value of `service.name`.
  init(_ bytes: Span<UInt8>, _ value: MessageParts?) throws(ProtobufError) {
    guard let value, case .string(let range) = try AnyValueFields(bytes, at: value) else {
      self = .wrongType
      return
    }
    self = range.isEmpty ? .empty : .named(range)
  }

  /// Whether it is shown as this text.
  func isShown(as wanted: [UInt8], in bytes: Span<UInt8>) -> Bool {
    if case .named(let range) = self { return bytes.equals(wanted, at: range) }
    return text.map { wanted.span.equals($0, at: 0..<wanted.count) } ?? false
  }
}

extension Span<UInt8> {
  /// Whether a part of the bytes is this text.
  func equals(_ text: StaticString, at range: Range<Int>) -> Bool {
    guard range.count == text.utf8CodeUnitCount else { return false }
    for offset in 0..<range.count where unsafe self[range.lowerBound + offset] != text.utf8Start[offset] {
      return false
    }
    return true
  }

  /// Whether a part of the bytes is these.
  func equals(_ other: [UInt8], at range: Range<Int>) -> Bool {
    guard range.count == other.count else { return false }
    for offset in 0..<range.count where self[range.lowerBound + offset] != other[offset] { return false }
    return true
  }
}
