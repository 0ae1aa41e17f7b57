import Compression
import JSON

/// Reads one exchange while it happens, and knows at the end what it was about.
///
/// Whatever the bytes are, nothing fails: what is not understood is left out. Of an event stream only what its records say
/// is kept, of other answers the body up to a limit. Belongs to one thread at a time.
package final class ExchangeReader {
  private let api: ProviderAPI
  private let options: RecordingOptions
  private let request: RequestFacts
  /// Whether something of the prompt is left out, which its tokens would spell.
  private let hidesPrompt: Bool
  private var answer: AnswerReader?

  /// Begins with the request.
  ///
  /// - Parameters:
  ///   - path: The target of the request with its query; the Gemini API names the model there.
  ///   - requestBody: As the client sent it.
  package init(api: ProviderAPI, path: String, requestBody: [UInt8], options: RecordingOptions) {
    self.api = api
    self.options = options
    (request, hidesPrompt) = RequestReader.facts(of: requestBody, api, path: path, options)
  }

  /// The answer begins; an answer that had begun, before a retry, is forgotten.
  ///
  /// - Parameters:
  ///   - contentType: The field `content-type`.
  ///   - contentEncoding: The field `content-encoding`; the bytes are decoded here.
  package func begin(status: Int, contentType: String?, contentEncoding: String?) {
    answer = AnswerReader(
      api: api, status: status, contentType: contentType, contentEncoding: contentEncoding,
      isStreamExpected: request.isStream, options: options)
  }

  /// Takes the next bytes of the answer's body, without transfer coding, with content coding.
  package func receive(_ bytes: Span<UInt8>) { answer?.receive(bytes) }

  /// Bytes of the answer are missing from here on: whoever hands them over had no room for them.
  package func cut() { answer?.cut() }

  /// The exchange has ended.
  package func finish(_ end: ExchangeEnd) -> Exchange {
    var exchange = Exchange(api: api, request: request, delivery: Delivery(end: end))
    answer?.finish(end, into: &exchange)
    if hidesPrompt { exchange.answer.promptTokenIDs = nil }
    exchange.redact(options.redaction)
    return exchange
  }
}
