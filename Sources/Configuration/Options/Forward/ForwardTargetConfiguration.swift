/// Where spans are sent on to: Jaeger, or any other receiver of OTLP.
package struct ForwardTargetConfiguration: Sendable, Equatable {
  /// How requests are carried.
  package enum Carrier: String, CaseIterable, Sendable {
    case grpc
    case http
  }

  /// How requests are compressed.
  package enum Compression: String, CaseIterable, Sendable {
    case gzip
    case none
  }

  /// Where a target begins that was never configured before.
  package enum Start: String, CaseIterable, Sendable {
    /// Behind what is stored.
    case now
    /// With the oldest span.
    case oldest
  }

  /// What the user calls it.
  package let name: String
  /// Where it is; a loaded configuration never has it empty.
  ///
  /// Default empty, environment `FULGURITE_FORWARD_TARGETS_NAME_ENDPOINT`.
  package var endpoint = UpstreamURL()
  /// How requests are carried; `nil` leaves ``carrier`` to guess it.
  ///
  /// Default `nil`, environment `FULGURITE_FORWARD_TARGETS_NAME_PROTOCOL`.
  package var configuredCarrier: Carrier?
  /// Headers without secrets.
  ///
  /// Default none, environment `FULGURITE_FORWARD_TARGETS_NAME_HEADERS`.
  package var headers: [HeaderSetting] = []
  /// The environment variable that holds further headers; empty means none.
  ///
  /// Default empty, environment `FULGURITE_FORWARD_TARGETS_NAME_HEADERS_ENV`.
  package var headersVariable = ""
  /// The file that holds further headers; empty means none.
  ///
  /// Default empty, environment `FULGURITE_FORWARD_TARGETS_NAME_HEADERS_FILE`.
  package var headersFile = ""
  /// What the loader found there.
  package var secretHeaders: [HeaderSetting] = []
  /// The certificate authorities that are trusted, as a PEM file; empty means the system's.
  ///
  /// Default empty, environment `FULGURITE_FORWARD_TARGETS_NAME_CA_FILE`.
  package var caFile = ""
  /// The certificate that is shown to the target, as a PEM file; empty means none.
  ///
  /// Default empty, environment `FULGURITE_FORWARD_TARGETS_NAME_CERT_FILE`.
  package var certificateFile = ""
  /// The key of the certificate, as a PEM file; empty means none.
  ///
  /// Default empty, environment `FULGURITE_FORWARD_TARGETS_NAME_KEY_FILE`.
  package var keyFile = ""
  /// How requests are compressed.
  ///
  /// Default gzip, environment `FULGURITE_FORWARD_TARGETS_NAME_COMPRESSION`.
  package var compression = Compression.gzip
  /// How long a request may take.
  ///
  /// Default 30 s, environment `FULGURITE_FORWARD_TARGETS_NAME_TIMEOUT`.
  package var timeout = Duration.seconds(30)
  /// The largest request in bytes, before compression.
  ///
  /// Default 3 MiB, environment `FULGURITE_FORWARD_TARGETS_NAME_MAX_BATCH_BYTES`.
  package var batchBytes = 3 << 20
  /// Spans of a request.
  ///
  /// Default 8,192, environment `FULGURITE_FORWARD_TARGETS_NAME_MAX_BATCH_SPANS`.
  package var batchSpans = 8192
  /// How long spans are collected when there are few.
  ///
  /// Default 200 ms, environment `FULGURITE_FORWARD_TARGETS_NAME_INTERVAL`.
  package var interval = Duration.milliseconds(200)
  /// The first wait before a target that takes nothing is tried again.
  ///
  /// Default 5 s, environment `FULGURITE_FORWARD_TARGETS_NAME_RETRY_INITIAL`.
  package var firstRetry = Duration.seconds(5)
  /// The longest of these waits.
  ///
  /// Default 30 s, environment `FULGURITE_FORWARD_TARGETS_NAME_RETRY_MAX`.
  package var longestRetry = Duration.seconds(30)
  /// Where it begins when it was never configured before.
  ///
  /// Default `now`, environment `FULGURITE_FORWARD_TARGETS_NAME_START`.
  package var start = Start.now
  /// The services whose spans are sent; empty means all.
  ///
  /// Default none, environment `FULGURITE_FORWARD_TARGETS_NAME_SERVICES`.
  package var services: [String] = []
  /// The rollouts whose spans are sent; empty means all.
  ///
  /// Default none, environment `FULGURITE_FORWARD_TARGETS_NAME_ROLLOUTS`.
  package var rollouts: [String] = []
  /// Whether only errors are sent.
  ///
  /// Default false, environment `FULGURITE_FORWARD_TARGETS_NAME_ERRORS_ONLY`.
  package var errorsOnly = false
  /// Whether spans say which rollout they belong to.
  ///
  /// Default false, environment `FULGURITE_FORWARD_TARGETS_NAME_ADD_ROLLOUT`.
  package var addsRollout = false
  /// Whether spans are sent again when they are tagged anew.
  ///
  /// Default false, environment `FULGURITE_FORWARD_TARGETS_NAME_RESEND_RETAGGED`.
  package var resendsRetagged = false

  /// The defaults for a name.
  package init(name: String) { self.name = name }

  /// How requests are carried: port 4317 is that of OTLP/gRPC.
  package var carrier: Carrier { configuredCarrier ?? (endpoint.port == 4317 ? .grpc : .http) }
}
