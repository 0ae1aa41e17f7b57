import JSON
import Protobuf

/// `google.rpc.Status`, the body of every failure.
///
/// [status.proto](https://github.com/googleapis/googleapis/blob/master/google/rpc/status.proto)
struct StatusMessage {
  var failure: ExportFailure

  /// The wire form: `int32 code = 1`, `string message = 2`, `repeated Any details = 3`.
  var protobuf: [UInt8] {
    var writer = ProtobufWriter()
    writer.varintField(1, UInt64(failure.code.rawValue))
    writer.stringField(2, failure.message)
    if let seconds = failure.retryAfter {
      let detail = writer.beginMessage(3)
      writer.stringField(1, Self.retryInfo)
      let value = writer.beginMessage(2)
      // RetryInfo: Duration retry_delay = 1; Duration: int64 seconds = 1.
      let delay = writer.beginMessage(1)
      writer.varintField(1, UInt64(seconds))
      writer.endMessage(delay)
      writer.endMessage(value)
      writer.endMessage(detail)
    }
    if failure.code == .invalidArgument {
      let detail = writer.beginMessage(3)
      writer.stringField(1, Self.badRequest)
      let value = writer.beginMessage(2)
      // BadRequest: repeated FieldViolation field_violations = 1; FieldViolation: string description = 2.
      let violation = writer.beginMessage(1)
      writer.stringField(2, failure.message)
      writer.endMessage(violation)
      writer.endMessage(value)
      writer.endMessage(detail)
    }
    return writer.bytes
  }

  /// The proto3 JSON form.
  var json: [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("code")
    writer.integer(Int64(failure.code.rawValue))
    writer.key("message")
    writer.string(failure.message)
    if let seconds = failure.retryAfter {
      beginDetail(Self.retryInfo, &writer)
      writer.key("retryDelay")
      writer.string("\(seconds)s")
      endDetail(&writer)
    } else if failure.code == .invalidArgument {
      beginDetail(Self.badRequest, &writer)
      writer.key("fieldViolations")
      writer.beginArray()
      writer.beginObject()
      writer.key("description")
      writer.string(failure.message)
      writer.endObject()
      writer.endArray()
      endDetail(&writer)
    }
    writer.endObject()
    return writer.bytes
  }

  private func beginDetail(_ type: String, _ writer: inout JSONWriter) {
    writer.key("details")
    writer.beginArray()
    writer.beginObject()
    writer.key("@type")
    writer.string(type)
  }

  private func endDetail(_ writer: inout JSONWriter) {
    writer.endObject()
    writer.endArray()
  }

  private static let retryInfo = "type.googleapis.com/google.rpc.RetryInfo"
  private static let badRequest = "type.googleapis.com/google.rpc.BadRequest"
}
