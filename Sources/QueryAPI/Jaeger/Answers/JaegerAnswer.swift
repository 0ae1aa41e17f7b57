import APISupport
import JSON
import Threads
import TraceStore
import Transport

/// The envelopes of Jaeger's answers.
enum JaegerAnswer {
  /// `{"data":...,"total":n,"limit":0,"offset":0,"errors":null}`.
  ///
  /// - Parameter data: Writes one value.
  static func data(total: Int = 0, _ data: (inout JSONWriter) -> Void) -> HTTPResponse {
    harmless(
      JSONAnswer.make { writer in
        writer.beginObject()
        writer.key("data")
        data(&writer)
        finishEnvelope(total: total, errors: [], &writer)
      })
  }

  /// Writes the rest of the envelope.
  static func finishEnvelope(total: Int, errors: [JaegerFault], _ writer: inout JSONWriter) {
    writer.key("total")
    writer.integer(Int64(total))
    writer.tokens("\"limit\":0,\"offset\":0,\"errors\":")
    if errors.isEmpty { writer.null() } else { write(errors, &writer) }
    writer.endObject()
  }

  private static func write(_ errors: [JaegerFault], _ writer: inout JSONWriter) {
    writer.beginArray()
    for error in errors {
      writer.beginObject()
      writer.key("code")
      writer.integer(Int64(error.status))
      writer.key("msg")
      writer.string(error.message)
      if let traceID = error.traceID {
        writer.key("traceID")
        writer.string(traceID)
      }
      writer.endObject()
    }
    writer.endArray()
  }

  /// An answer of the newer interface.
  static func object(_ members: (inout JSONWriter) -> Void) -> HTTPResponse {
    harmless(
      JSONAnswer.make { writer in
        writer.beginObject()
        members(&writer)
        writer.endObject()
      })
  }

  /// An error in the form of the interface that was asked.
  static func fault(_ fault: JaegerFault, isNew: Bool) -> HTTPResponse {
    harmless(
      JSONAnswer.make(fault.status) { writer in
        writer.beginObject()
        if isNew {
          writer.tokens("\"error\":{\"httpCode\":")
          writer.integer(Int64(fault.status))
          writer.key("message")
          writer.string(fault.message)
          writer.endObject()
          writer.endObject()
        } else {
          writer.tokens("\"data\":null")
          finishEnvelope(total: 0, errors: [fault], &writer)
        }
      })
  }

  /// What the store could not do, without its message, which may name files.
  static func failure(_ error: StoreError, isNew: Bool) -> HTTPResponse {
    let isLate = error.code == .deadline
    var response = fault(
      JaegerFault(isLate ? 504 : 503, error.answerText), isNew: isNew)
    if !isLate { response.headers.append("retry-after", "1") }
    return response
  }

  /// Names in answers are what anyone has sent: no browser may take an answer for a page.
  static func harmless(_ response: HTTPResponse) -> HTTPResponse {
    var response = response
    response.headers.append("x-content-type-options", "nosniff")
    return response
  }

  /// The same answer, spread over lines.
  static func indented(_ response: HTTPResponse) -> HTTPResponse {
    var response = response
    let indenter = Locked(JSONIndenter(width: 4))
    switch response.body {
    case .none: break
    case .bytes(let bytes): response.body = .bytes(indenter.withLock { $0.indent(bytes) })
    case .stream(let next):
      response.body = .stream {
        guard let piece = try await next() else { return nil }
        return indenter.withLock { $0.indent(piece) }
      }
    }
    return response
  }
}
