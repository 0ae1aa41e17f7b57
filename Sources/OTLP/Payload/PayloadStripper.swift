package import Protobuf

/// Takes prompts and completions out of spans, and leaves a note of that.
///
/// Structure, times, status, models, usage and metrics stay.
package enum PayloadStripper {
  /// The attribute of a span that has lost its prompts and completions: true.
  package static let marker = "fulgurite.payload_dropped"

  /// A span without its prompts and completions.
  ///
  /// - Parameter span: A `Span` message.
  /// - Returns: The message with the attribute ``marker``; `nil` when it holds nothing of the kind.
  package static func strip(_ span: Span<UInt8>) throws(ProtobufError) -> [UInt8]? {
    var writer = ProtobufWriter(reservingCapacity: span.count)
    var isChanged = false
    var reader = ProtobufReader(span)
    while true {
      let start = reader.position
      guard let tag = try reader.nextTag() else { break }
      switch tag {
      case .lengthDelimited(9):
        let key = try KeyValueFields(span, at: try reader.lengthDelimited()).key
        if PayloadName.isAttribute(span.text(at: key)) {
          isChanged = true
          continue
        }
      case .lengthDelimited(11):
        if let event = try strip(event: try reader.lengthDelimited(), of: span) {
          isChanged = true
          writer.bytesField(11, event.span)
          continue
        }
      case AnswerField.tag:
        // It repeats all attributes. A span that has lost some is answered with what its other fields say.
        _ = try reader.lengthDelimited()
        continue
      default: try reader.skip(tag)
      }
      writer.append(span.extracting(start..<reader.position))
    }
    guard isChanged else { return nil }
    if try !isStripped(span) { mark(&writer) }
    return writer.bytes
  }

  /// Whether a span has lost its prompts and completions.
  package static func isStripped(_ span: Span<UInt8>) throws(ProtobufError) -> Bool {
    var reader = ProtobufReader(span)
    while let attribute = try reader.nextOccurrence(of: 9) {
      if span.text(at: try KeyValueFields(span, at: attribute).key) == marker { return true }
    }
    return false
  }

  private static func mark(_ writer: inout ProtobufWriter) {
    let attribute = writer.beginMessage(9)
    writer.stringField(1, marker)
    let value = writer.beginMessage(2)
    // bool_value of AnyValue
    writer.varintField(2, 1)
    writer.endMessage(value)
    writer.endMessage(attribute)
  }

  /// - Returns: `nil` for an event that holds nothing of the kind.
  private static func strip(event range: Range<Int>, of span: Span<UInt8>) throws(ProtobufError) -> [UInt8]? {
    let isPayload = PayloadName.isEvent(span.text(at: try EventFields(span, at: range).name))
    var writer = ProtobufWriter()
    var isChanged = false
    var reader = ProtobufReader(span, at: range)
    while true {
      let start = reader.position
      guard let tag = try reader.nextTag() else { break }
      if tag == .lengthDelimited(3) {
        let key = try KeyValueFields(span, at: try reader.lengthDelimited()).key
        if isPayload || PayloadName.isAttribute(span.text(at: key)) {
          isChanged = true
          continue
        }
      } else {
        try reader.skip(tag)
      }
      writer.append(span.extracting(start..<reader.position))
    }
    return isChanged ? writer.bytes : nil
  }
}
