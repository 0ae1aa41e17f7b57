import Protobuf

/// The one field of a `Span` message that is not OTLP's.
///
/// `bytes answer = 4747`: the JSON that a span which came as JSON, with Agent Lightning's model, is answered with: its
/// members after `sequence_id`, without the braces. OTLP could not hold all of that model (ids that are any text, times
/// below a nanosecond, members of any name), and readers of OTLP skip a field that they do not know. Only our own code
/// writes it, because it is answered as it is; in what others send it counts as a fault that repair takes out.
package enum AnswerField {
  package static let number: UInt32 = 4747

  static let tag = ProtobufTag.lengthDelimited(number)
}
