/// What a server has counted since it started, except for ``openConnections``.
package struct HTTPServerStatistics: Sendable, Hashable {
  /// Connections that are open now.
  package var openConnections = 0
  package var acceptedConnections = 0
  /// Connections over the limit, answered with 503.
  package var refusedConnections = 0
  /// Times that accepting paused because the process or the system ran out of descriptors or memory.
  package var acceptPauses = 0
  /// Requests whose handler was called.
  package var http1Requests = 0
  package var http2Requests = 0
  /// Requests that broke the protocol, answered with 400, 501 or 505, or with an HTTP/2 error.
  package var malformedRequests = 0
  /// Requests with too many or too large header fields, answered with 431.
  package var oversizedHeaders = 0
  /// Connections or requests that ran into a deadline.
  package var timeouts = 0
  /// HTTP/2 connections ended for too many resets, pings or settings.
  package var floods = 0
}
