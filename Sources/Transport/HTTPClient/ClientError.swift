internal import CCurl

/// Why there is no answer, or only a part of it.
package struct ClientError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What went wrong, as far as a caller can act on it.
  package enum Kind: Hashable, Sendable {
    /// No connection: name not found, refused, no TLS, or not in time.
    case connection
    /// The server ended the connection before the answer was complete.
    case truncated
    /// The answer is not HTTP.
    case invalidResponse
    /// The server was silent for too long.
    case timeout
    /// The caller gave up.
    case cancelled
    /// Anything else; the message says what.
    case other
  }

  package let kind: Kind
  /// For people; holds the address but no header of the request.
  package let message: String

  package init(kind: Kind, message: String) {
    self.kind = kind
    self.message = message
  }

  static let cancelled = ClientError(kind: .cancelled, message: "the request was cancelled")

  /// Describes how a transfer of libcurl failed.
  ///
  /// - Parameters:
  ///   - detail: What libcurl wrote into its error buffer.
  ///   - isConnected: Whether there was a connection that the request could go to.
  init(_ code: CURLcode, detail: String, isConnected: Bool) {
    if code == CURLE_ABORTED_BY_CALLBACK {
      // Ours, which does not let a request go out once more.
      message = "the server ended the connection without an answer"
      kind = .truncated
      return
    }
    message = detail.isEmpty ? unsafe String(cString: ccurl_easy_strerror(code)) : detail
    switch code {
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT, CURLE_SSL_CONNECT_ERROR,
      CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
      CURLE_SSL_ISSUER_ERROR, CURLE_INTERFACE_FAILED, CURLE_URL_MALFORMAT:
      kind = .connection
    case CURLE_OPERATION_TIMEDOUT: kind = .connection
    // libcurl has one code for a reset connection and for broken chunks.
    case CURLE_RECV_ERROR where detail.hasSuffix("chunked-encoding"): kind = .invalidResponse
    case CURLE_RECV_ERROR, CURLE_SEND_ERROR:
      kind = isConnected ? .truncated : .connection
    case CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING, CURLE_HTTP2, CURLE_HTTP2_STREAM: kind = .truncated
    // What libcurl says of header fields that are too large is that it has no memory for them.
    case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING, CURLE_OUT_OF_MEMORY,
      CURLE_WRITE_ERROR:
      kind = .invalidResponse
    default: kind = .other
    }
  }

  package var description: String { message }
}
