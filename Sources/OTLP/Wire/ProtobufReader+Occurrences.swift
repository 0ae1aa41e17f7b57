package import Protobuf

extension ProtobufReader {
  /// Goes to the next length-delimited field with a number, stepping over all others.
  ///
  /// - Returns: Where its value lies; `nil` at the end of the message.
  @_lifetime(self: copy self)
  package mutating func nextOccurrence(of field: UInt32) throws(ProtobufError) -> Range<Int>? {
    while let tag = try nextTag() {
      if tag == .lengthDelimited(field) { return try lengthDelimited() }
      try skip(tag)
    }
    return nil
  }
}
