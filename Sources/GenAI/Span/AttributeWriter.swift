import Protobuf

/// Writes OTLP attributes.
///
/// [`KeyValue`, `AnyValue`](https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/common/v1/common.proto)
struct AttributeWriter {
  var writer: ProtobufWriter
  /// The number of the field that repeats: 9 in a span, 1 in a resource.
  let field: UInt32

  // Fields of `AnyValue`.
  private static let stringValue: UInt32 = 1
  private static let boolValue: UInt32 = 2
  private static let intValue: UInt32 = 3
  private static let doubleValue: UInt32 = 4
  private static let arrayValue: UInt32 = 5

  mutating func text(_ key: String, _ value: String?) {
    guard let value else { return }
    attribute(key) { $0.stringField(Self.stringValue, value) }
  }

  /// Text that is UTF-8 already.
  mutating func text(_ key: String, utf8 value: [UInt8]) {
    attribute(key) { $0.bytesField(Self.stringValue, value.span) }
  }

  mutating func bool(_ key: String, _ value: Bool) {
    attribute(key) { $0.varintField(Self.boolValue, value ? 1 : 0) }
  }

  mutating func integer(_ key: String, _ value: Int64?) {
    guard let value else { return }
    attribute(key) { $0.varintField(Self.intValue, UInt64(bitPattern: value)) }
  }

  /// An integer that says nothing when it is zero.
  mutating func positive(_ key: String, _ value: Int64?) {
    if let value, value > 0 { integer(key, value) }
  }

  mutating func double(_ key: String, _ value: Double?) {
    guard let value else { return }
    attribute(key) { $0.fixed64Field(Self.doubleValue, value.bitPattern) }
  }

  mutating func texts(_ key: String, _ values: [String]?) {
    guard let values, !values.isEmpty else { return }
    attribute(key) { writer in
      let array = writer.beginMessage(Self.arrayValue)
      for value in values {
        let element = writer.beginMessage(1)
        writer.stringField(Self.stringValue, value)
        writer.endMessage(element)
      }
      writer.endMessage(array)
    }
  }

  mutating func integers(_ key: String, _ values: [Int64]?) {
    guard let values, !values.isEmpty else { return }
    attribute(key) { writer in
      let array = writer.beginMessage(Self.arrayValue)
      for value in values {
        let bits = UInt64(bitPattern: value)
        // An `AnyValue` of a tag and a number.
        writer.tag(.lengthDelimited(1))
        writer.varint(UInt64(1 + ProtobufWriter.varintSize(bits)))
        writer.varintField(Self.intValue, bits)
      }
      writer.endMessage(array)
    }
  }

  private mutating func attribute(_ key: String, _ value: (inout ProtobufWriter) -> Void) {
    let attribute = writer.beginMessage(field)
    writer.stringField(1, key)
    let any = writer.beginMessage(2)
    value(&writer)
    writer.endMessage(any)
    writer.endMessage(attribute)
  }
}
