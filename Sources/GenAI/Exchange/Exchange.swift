/// What one call of a provider was about, in the same words for all APIs.
///
/// A streamed answer and one that came at once give equal ``request`` and ``answer`` facts when they say the same; how it
/// came is in ``delivery``.
package struct Exchange: Sendable, Hashable {
  package var api: ProviderAPI
  package var request: RequestFacts
  package var answer = AnswerFacts()
  package var delivery: Delivery

  package init(api: ProviderAPI, request: RequestFacts, delivery: Delivery) {
    self.api = api
    self.request = request
    self.delivery = delivery
  }

  /// `error.type`; `nil` when all went well.
  ///
  /// The provider's word counts most. What happens behind the end of the answer is no error of the call: clients close the
  /// connection when they have seen `[DONE]`.
  package var errorType: String? {
    if let error = answer.error { return error.identifier }
    if delivery.answerEnd == .done { return nil }
    switch delivery.end {
    case .complete:
      if delivery.isInvalid { return "invalid_response" }
      return delivery.answerEnd == .truncated ? "upstream_truncated" : nil
    case .truncated: return "upstream_truncated"
    case .clientDisconnected: return "client_disconnected"
    case .timeout: return "timeout"
    case .connectError: return "connect_error"
    case .invalidResponse: return "invalid_response"
    case .shutdown: return "_OTHER"
    }
  }
}

/// How an answer came.
package struct Delivery: Sendable, Hashable {
  /// How an answer ended, seen from its contents.
  package enum AnswerEnd: String, Sendable {
    /// A body came whole.
    case complete
    /// A stream reached its end marker: `[DONE]`, `message_stop`, `response.completed`.
    case done
    /// A stream ended cleanly without such a marker.
    case eof
    /// It was cut.
    case truncated
    /// The provider reported an error.
    case error
    /// None came.
    case none
  }

  /// The records of an event stream.
  package struct Events: Sendable, Hashable {
    /// Records by the [rules for event streams](https://html.spec.whatwg.org/multipage/server-sent-events.html).
    package var records = 0
    /// Those before `[DONE]`.
    package var answers = 0
    /// Those with text, refusal, reasoning or a piece of a tool call.
    package var contentDeltas = 0
    /// Those before `[DONE]` that are no JSON.
    package var invalid = 0
    /// Whether `[DONE]` came.
    package var isDone = false
  }

  /// How the exchange ended for the proxy.
  package var end: ExchangeEnd
  package var answerEnd = AnswerEnd.none
  /// The HTTP status; `nil` when no answer came.
  package var status: Int?
  /// `nil` unless the answer was an event stream.
  package var events: Events?
  /// Whether the answer was larger than what is recorded.
  package var isTruncated = false
  /// Whether JSON was announced and something else came.
  package var isInvalid = false

  package init(end: ExchangeEnd) { self.end = end }
}
