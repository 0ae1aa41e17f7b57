import Protobuf

/// The bytes of a message.
func message(_ body: (inout ProtobufWriter) -> Void) -> [UInt8] {
  var writer = ProtobufWriter()
  body(&writer)
  return writer.bytes
}

/// A `KeyValue` message.
func attribute(_ key: String, _ value: [UInt8]) -> [UInt8] {
  message {
    $0.stringField(1, key)
    $0.bytesField(2, value)
  }
}

/// An `AnyValue` with an array.
func array(_ elements: [[UInt8]]) -> [UInt8] {
  message { $0.bytesField(5, message { list in for element in elements { list.bytesField(1, element) } }) }
}

/// An `AnyValue` with a list of keys and values.
func map(_ members: [(String, [UInt8])]) -> [UInt8] {
  message {
    $0.bytesField(6, message { list in for (key, value) in members { list.bytesField(1, attribute(key, value)) } })
  }
}

func string(_ value: String) -> [UInt8] { message { $0.stringField(1, value) } }
func bool(_ value: Bool) -> [UInt8] { message { $0.varintField(2, value ? 1 : 0) } }
func int(_ value: Int64) -> [UInt8] { message { $0.varintField(3, UInt64(bitPattern: value)) } }
func double(_ value: Double) -> [UInt8] { message { $0.fixed64Field(4, value.bitPattern) } }
func bytes(_ value: [UInt8]) -> [UInt8] { message { $0.bytesField(7, value) } }
let unset: [UInt8] = []

extension ProtobufWriter {
  mutating func bytesField(_ field: UInt32, _ value: [UInt8]) { bytesField(field, value.span) }
}
