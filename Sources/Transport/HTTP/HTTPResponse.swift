/// The answer of a handler.
///
/// The connection frames it: `content-length`, `transfer-encoding`, `connection` and `date` are its business. A
/// `content-length` that comes with a stream announces the stream's length, and is kept.
package struct HTTPResponse: Sendable {
  /// The content of an answer.
  package enum Body: Sendable {
    case none
    case bytes([UInt8])
    /// Pieces that are pulled one by one until `nil`, each when the connection has room for it.
    ///
    /// An error cuts the answer so that the client can tell: the connection is closed, or the stream reset.
    case stream(@Sendable () async throws -> [UInt8]?)
  }

  package var status: Int
  /// The reason phrase of HTTP/1; `nil` means the usual one of the status.
  package var reason: String?
  package var headers: HTTPHeaders
  package var body: Body
  /// Fields after the body.
  ///
  /// HTTP/1.0 drops them.
  package var trailers: HTTPHeaders
  /// Ends an HTTP/1 connection after this answer.
  package var closesConnection = false
  /// Whether a client that has closed its side is taken to have gone, also inside a stream.
  ///
  /// It could still be reading; but a stream that costs something for as long as it lasts should not wait for the write
  /// that tells.
  package var endsWithInput = false
  /// What the answer holds of a budget; the connection keeps it until it has sent the last byte.
  package var lease: AnswerAllowance.Lease?

  package init(status: Int, headers: HTTPHeaders = [:], body: Body = .none, trailers: HTTPHeaders = [:]) {
    self.status = status
    self.headers = headers
    self.body = body
    self.trailers = trailers
  }
}

/// Answers a request; runs on the event loop of the request's connection, so it must not block.
///
/// The task is cancelled when the connection is lost or the stream is reset; and while the answer has not begun, when an
/// HTTP/1 client closes its side or the server shuts down. Those two can still take an answer, so a handler that does not
/// wait for anything but the store goes on.
package typealias HTTPHandler = @Sendable (HTTPRequest) async -> HTTPResponse
