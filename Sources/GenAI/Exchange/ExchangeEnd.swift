/// How an exchange with a provider ended, as the proxy saw it.
package enum ExchangeEnd: Sendable, Hashable {
  /// The answer came whole, or a stream ended cleanly.
  case complete
  /// The provider ended the connection inside the answer.
  case truncated
  /// The client left.
  case clientDisconnected
  /// The provider was silent for too long, before or inside the answer.
  case timeout
  /// No connection: refused, name not found, TLS.
  case connectError
  /// The answer broke HTTP.
  case invalidResponse
  /// The proxy itself stopped.
  case shutdown
}
