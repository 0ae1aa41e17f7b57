/// How much the program takes on at once.
package struct LimitsConfiguration: Sendable, Equatable {
  /// The largest request body in bytes, compressed and decompressed.
  ///
  /// Default 64 MiB, environment `FULGURITE_LIMITS_REQUEST_BYTES`.
  package var requestBytes = 64 << 20
  /// The bytes of all requests that are being received and decoded; beyond it requests are answered with 503.
  ///
  /// Default 256 MiB, environment `FULGURITE_LIMITS_IN_FLIGHT_BYTES`.
  package var inFlightBytes = 256 << 20
  /// The bytes that wait for the writer; beyond it requests are answered with 503.
  ///
  /// Default 64 MiB, environment `FULGURITE_LIMITS_QUEUE_BYTES`.
  package var queueBytes = 64 << 20
  /// The bytes of answers that are rendered and not sent yet; beyond it queries are answered with 503.
  ///
  /// Default 64 MiB, environment `FULGURITE_LIMITS_ANSWER_BYTES`.
  package var answerBytes = 64 << 20
  /// The number of open connections.
  ///
  /// Default 16384, environment `FULGURITE_LIMITS_CONNECTIONS`.
  package var connections = 16_384
  /// The number of concurrent HTTP/2 streams of a connection.
  ///
  /// Default 256, environment `FULGURITE_LIMITS_STREAMS`.
  package var streams = 256
  /// The bytes of the head of a request.
  ///
  /// Default 64 KiB, environment `FULGURITE_LIMITS_HEADER_BYTES`.
  package var headerBytes = 64 << 10
  /// The number of header fields of a request.
  ///
  /// Default 200, environment `FULGURITE_LIMITS_HEADERS`.
  package var headers = 200
  /// How long the head of a request may take.
  ///
  /// Default 10 s, environment `FULGURITE_LIMITS_HEADER_TIMEOUT`.
  package var headerTimeout = Duration.seconds(10)
  /// How long a body may make no progress.
  ///
  /// Default 30 s, environment `FULGURITE_LIMITS_BODY_TIMEOUT`.
  package var bodyTimeout = Duration.seconds(30)
  /// How long a body may take from its start to its end.
  ///
  /// Default 60 s, environment `FULGURITE_LIMITS_BODY_DEADLINE`.
  package var bodyDeadline = Duration.seconds(60)
  /// How long a connection may stay open without a request.
  ///
  /// Default 120 s, environment `FULGURITE_LIMITS_IDLE_TIMEOUT`.
  package var idleTimeout = Duration.seconds(120)
  /// How deep the values of attributes may nest.
  ///
  /// Default 100, environment `FULGURITE_LIMITS_ATTRIBUTE_DEPTH`.
  package var attributeDepth = 100

  /// The defaults.
  package init() {}
}

extension LimitsConfiguration {
  static let options = [
    ConfigurationOption(
      "limits.request_bytes", \.limits.requestBytes, .bytes(1 << 10...1 << 29),
      // Offsets in a request have 31 bits, and repairing its texts can make it three times as large.
      "The largest request body, compressed and decompressed."),
    ConfigurationOption(
      "limits.in_flight_bytes", \.limits.inFlightBytes, .bytes(1 << 10...1 << 40),
      "The bytes of all requests that are being received and decoded; beyond it requests are answered with 503. A "
        + "quarter is kept for requests up to 1 MiB, as far as two of limits.request_bytes fit beside it. At least "
        + "limits.request_bytes."),
    ConfigurationOption(
      "limits.queue_bytes", \.limits.queueBytes, .bytes(1 << 10...1 << 40),
      "The bytes that wait for the writer; beyond it requests are answered with 503. At least limits.request_bytes."),
    ConfigurationOption(
      "limits.answer_bytes", \.limits.answerBytes, .bytes(1 << 20...1 << 40),
      "The bytes of answers that wait for clients to read them, with the rows of those that are still rendered; beyond it "
        + "queries whose answers are not small (256 KiB) are answered with 503. Nothing is rendered ahead beyond half of "
        + "it, and a request of a connection whose answers hold an eighth waits for them. Answers that have begun go on as "
        + "they are read."),
    ConfigurationOption(
      "limits.connections", \.limits.connections, .integer(1...1_000_000),
      "The number of open connections; further ones are refused. Never more than the system's limit of descriptors leaves."
    ),
    ConfigurationOption(
      "limits.streams", \.limits.streams, .integer(1...1_000_000),
      "The number of concurrent HTTP/2 streams of a connection."),
    ConfigurationOption(
      "limits.header_bytes", \.limits.headerBytes, .bytes(1 << 10...1 << 20),
      "The bytes of the head of a request."),
    ConfigurationOption(
      "limits.headers", \.limits.headers, .integer(1...10_000),
      "The number of header fields of a request."),
    ConfigurationOption(
      "limits.header_timeout", \.limits.headerTimeout, .positiveDuration,
      "How long the head of a request may take."),
    ConfigurationOption(
      "limits.body_timeout", \.limits.bodyTimeout, .positiveDuration,
      "How long the body of a request may make no progress."),
    ConfigurationOption(
      "limits.body_deadline", \.limits.bodyDeadline, .positiveDuration,
      "How long the body of a request may take from its start to its end, however steadily it comes; this bounds for how "
        + "long slow senders can hold limits.in_flight_bytes. Beyond it the request is answered with 408, over OTLP with 503 (gRPC 4)."
    ),
    ConfigurationOption(
      "limits.idle_timeout", \.limits.idleTimeout, .positiveDuration,
      "How long a connection may stay open without a request."),
    ConfigurationOption(
      "limits.attribute_depth", \.limits.attributeDepth, .integer(1...100),
      "How deep the values of attributes may nest; requests beyond it are answered with 400."),
  ]
}
