/// Limits and deadlines of a server's connections.
package struct HTTPServerConfiguration: Sendable {
  /// From the first byte of a request, or from the start of a connection, to the end of the header section.
  package var headerTimeout = Duration.seconds(10)
  /// Without a byte of a body that the handler waits for.
  package var bodyTimeout = Duration.seconds(30)
  /// From the start of a body to its end.
  ///
  /// ``bodyTimeout`` alone would let a sender hold the memory of a large body for ever, with a byte now and then.
  package var bodyDeadline = Duration.seconds(60)
  /// Without a request on an open connection.
  package var idleTimeout = Duration.seconds(120)
  /// Without a byte that the client takes of an answer.
  package var writeTimeout = Duration.seconds(30)
  /// How long the rest of a refused request is read after the answer.
  ///
  /// Closing at once would reset the connection, and the client might never see the answer.
  package var lingerTimeout = Duration.seconds(2)
  /// Names and values of all fields of a request together with its target, in bytes.
  package var maximumHeaderBytes = 64 * 1024
  /// Fields of a request.
  package var maximumHeaderCount = 200
  /// Open connections of the server; more are answered with 503.
  package var maximumConnections = 1024
  /// Requests in progress on one HTTP/2 connection.
  package var maximumConcurrentStreams = 256
  /// Flow-control window of an HTTP/2 stream, in bytes.
  package var initialStreamWindow = 1024 * 1024
  /// Flow-control window of an HTTP/2 connection, in bytes.
  package var connectionWindow = 16 * 1024 * 1024
  /// The largest HTTP/2 frame that a client may send, in bytes: 16 KiB to 16 MiB - 1.
  package var maximumFrameSize = 256 * 1024
  /// HTTP/2 streams that may end without an answer in ``resetInterval``.
  ///
  /// More end the connection ("rapid reset", CVE-2023-44487).
  package var maximumResets = 200
  package var resetInterval = Duration.seconds(10)
  /// Body bytes held for a handler that does not read them, before the client is made to wait.
  package var bodyBufferLimit = 256 * 1024
  /// Unread body bytes that are read and dropped to keep an HTTP/1 connection usable after an early answer.
  package var drainLimit = 256 * 1024
  /// Output waiting in a connection above which no further pieces are pulled from an answer.
  package var outputWatermark = 256 * 1024

  /// The bytes of answers that are rendered and not sent yet, over all connections.
  package var answerBytes = 64 << 20

  package init() {}
}
