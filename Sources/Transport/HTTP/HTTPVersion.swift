/// The version of HTTP a request came in.
package enum HTTPVersion: String, Hashable, Sendable, CaseIterable {
  case http10 = "HTTP/1.0"
  case http11 = "HTTP/1.1"
  case http2 = "HTTP/2"
}
