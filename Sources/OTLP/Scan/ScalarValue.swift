import Protobuf

/// The scalar in an `AnyValue`, as far as attribution and the index need it.
enum ScalarValue {
  case string(Range<Int>)
  case bool(Bool)
  case integer(Int64)
  case double(Double)

  /// Reads an `AnyValue` that was checked before.
  ///
  /// - Returns: `nil` for an empty value, bytes, arrays and maps.
  init?(_ bytes: Span<UInt8>, _ range: Range<Int>) {
    var found: ScalarValue?
    var reader = ProtobufReader(bytes, at: range)
    do throws(ProtobufError) {
      while let tag = try reader.nextTag() {
        switch tag {
        case .lengthDelimited(1): found = .string(try reader.lengthDelimited())
        case .varint(2): found = .bool(try reader.varint() != 0)
        case .varint(3): found = .integer(Int64(bitPattern: try reader.varint()))
        case .fixed64(4): found = .double(Double(bitPattern: try reader.fixed64()))
        default:
          // The last member of the oneof counts, also when it is none of these.
          if tag.field <= 7 { found = nil }
          try reader.skip(tag)
        }
      }
    } catch {
      return nil
    }
    guard let found else { return nil }
    self = found
  }

  /// The value as text, the way AGL turns an id into a string.
  ///
  /// - Returns: `nil` for an empty string, which counts as absent.
  func text(_ bytes: Span<UInt8>) -> String? {
    switch self {
    case .string(let range): range.isEmpty ? nil : bytes.text(at: range)
    case .bool(let value): value ? "True" : "False"
    case .integer(let value): String(value)
    case .double(let value): String(value)
    }
  }

  /// The value as a number that is not negative, from an integer or decimal digits.
  func count(_ bytes: Span<UInt8>) -> Int64? {
    switch self {
    case .integer(let value): value >= 0 ? value : nil
    case .string(let range) where range.count <= 19: Int64(bytes.text(at: range)).flatMap { $0 >= 0 ? $0 : nil }
    default: nil
    }
  }
}
