/// Why the body of a request did not come.
package enum BodyError: Error, Hashable, Sendable {
  /// The body is larger than the caller's limit, in bytes.
  case tooLarge(limit: Int)
  /// The client closed the connection or reset the stream.
  case disconnected
  /// Nothing came for as long as ``HTTPServerConfiguration/bodyTimeout``, or not all of it within
  /// ``HTTPServerConfiguration/bodyDeadline``.
  case timedOut
  /// The server ends, and the rest of the body would come too late.
  case shuttingDown
  /// The framing of the body is broken.
  case malformed
}
