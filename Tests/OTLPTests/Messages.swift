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
    $0.bytesField(2, value.span)
  }
}

/// A request with one resource and one scope.
func request(_ spans: [[UInt8]]) -> [UInt8] {
  message { writer in
    let resourceSpans = writer.beginMessage(1)
    let scopeSpans = writer.beginMessage(2)
    for span in spans { writer.bytesField(2, span.span) }
    writer.endMessage(scopeSpans)
    writer.endMessage(resourceSpans)
  }
}

extension ProtobufWriter {
  mutating func bytesField(_ field: UInt32, _ value: [UInt8]) { bytesField(field, value.span) }
}

/// An `AnyValue` with lists inside each other.
///
/// - Parameter depth: The number of AnyValues.
func nested(_ depth: Int) -> [UInt8] {
  var value = message { $0.varintField(2, 1) }
  for _ in 1..<depth {
    let member = attribute("k", value)
    value = message { $0.bytesField(6, message { $0.bytesField(1, member) }) }
  }
  return value
}
