package import Protobuf

// For the messages that are read rarely: each call walks over the whole message.
extension MessageParts {
  /// The number of length-delimited fields with a number.
  package func count(of field: UInt32, in bytes: Span<UInt8>) throws(ProtobufError) -> Int {
    var result = 0
    for index in 0..<count {
      var reader = ProtobufReader(bytes, at: self[index])
      while try reader.nextOccurrence(of: field) != nil { result += 1 }
    }
    return result
  }

  /// The last value of a length-delimited field; empty when it is absent.
  package func lastValue(_ field: UInt32, in bytes: Span<UInt8>) throws(ProtobufError) -> Range<Int> {
    var result = 0..<0
    for index in 0..<count {
      var reader = ProtobufReader(bytes, at: self[index])
      while let range = try reader.nextOccurrence(of: field) { result = range }
    }
    return result
  }

  /// The last value of a varint, fixed32 or fixed64 field; 0 when it is absent.
  package func lastNumber(_ wanted: ProtobufTag, in bytes: Span<UInt8>) throws(ProtobufError) -> UInt64 {
    var result: UInt64 = 0
    for index in 0..<count {
      var reader = ProtobufReader(bytes, at: self[index])
      while let tag = try reader.nextTag() {
        guard tag == wanted else {
          try reader.skip(tag)
          continue
        }
        switch tag.wireType {
        case .varint: result = try reader.varint()
        case .fixed64: result = try reader.fixed64()
        case .fixed32: result = UInt64(try reader.fixed32())
        default: preconditionFailure("not a number")
        }
      }
    }
    return result
  }

  /// All values of a field that is a single message; `nil` when it is absent.
  package func merged(_ field: UInt32, in bytes: Span<UInt8>) throws(ProtobufError) -> MessageParts? {
    var result: MessageParts?
    for index in 0..<count {
      var reader = ProtobufReader(bytes, at: self[index])
      while let range = try reader.nextOccurrence(of: field) { result.append(range) }
    }
    return result
  }
}
