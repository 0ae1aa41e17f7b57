import JSON
import OTLP
import Protobuf

/// What became of a request that was stored: `ExportTraceServiceResponse`.
struct PartialSuccess {
  /// Spans that were left out for good.
  var rejectedSpans = 0
  /// Why.
  var message = ""

  /// Names the spans that were rejected, the first few of each kind.
  init(_ rejected: [RejectedSpan]) {
    rejectedSpans = rejected.count
    guard let first = rejected.first else { return }
    message = "span \(first.index): \(first.reason)"
    if rejected.count > 1 { message += ", and \(rejected.count - 1) more" }
  }

  /// `ExportTracePartialSuccess partial_success = 1`: `int64 rejected_spans = 1`, `string error_message = 2`.
  ///
  /// Empty when everything was stored, as the specification wants it.
  var protobuf: [UInt8] {
    guard rejectedSpans > 0 else { return [] }
    var writer = ProtobufWriter()
    let partial = writer.beginMessage(1)
    writer.varintField(1, UInt64(rejectedSpans))
    writer.stringField(2, message)
    writer.endMessage(partial)
    return writer.bytes
  }

  var json: [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("partialSuccess")
    writer.beginObject()
    if rejectedSpans > 0 {
      writer.key("rejectedSpans")
      writer.integerString(Int64(rejectedSpans))
      writer.key("errorMessage")
      writer.string(message)
    }
    writer.endObject()
    writer.endObject()
    return writer.bytes
  }
}
