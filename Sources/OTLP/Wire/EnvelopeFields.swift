package import Protobuf

/// The fields of a `ResourceSpans` or a `ScopeSpans` message; the two have the same shape.
package struct EnvelopeFields: Sendable {
  /// Field 1, the `Resource` or the `InstrumentationScope`; `nil` when it is absent.
  package var subject: MessageParts?
  /// Field 2, the `ScopeSpans` or the `Span` messages.
  package var content = RepeatedField()
  /// Field 3.
  package var schemaURL = 0..<0

  /// Reads the message that lies at `range`.
  package init(_ bytes: Span<UInt8>, at range: Range<Int>) throws(ProtobufError) {
    var reader = ProtobufReader(bytes, at: range)
    var start = reader.position
    while let tag = try reader.nextTag() {
      switch tag {
      case .lengthDelimited(1): subject.append(try reader.lengthDelimited())
      case .lengthDelimited(2): content.add(start..<(try reader.lengthDelimited().upperBound))
      case .lengthDelimited(3): schemaURL = try reader.lengthDelimited()
      default: try reader.skip(tag)
      }
      start = reader.position
    }
  }
}
