package import Transport

/// Where spans are sent on to, and how.
package struct ForwardTarget: Sendable {
  /// How requests are carried.
  package enum Carrier: String, Sendable {
    /// OTLP/gRPC: HTTP/2, with prior knowledge where there is no TLS.
    case grpc
    /// OTLP/HTTP with protobuf bodies.
    case http
  }

  package var name: String
  /// The whole URL of the call, with its path.
  package var url: String
  package var carrier: Carrier
  /// Sent with each request; may hold secrets, so it is never logged.
  package var headers = HTTPHeaders()
  /// The certificates that the target may be signed with, as a PEM file; `nil` means those of the system.
  package var certificateFile: String?
  package var clientCertificate: ClientCertificate?
  /// Whether requests are compressed with gzip.
  package var compresses = true
  /// How long a request may take.
  package var timeout = Duration.seconds(30)
  /// The largest request, in bytes before compression; one span can be larger and then goes alone.
  package var batchBytes = 3 << 20
  /// Spans of a request, at most.
  package var batchSpans = 8192
  /// How long spans are collected when there are few.
  package var interval = Duration.milliseconds(200)
  package var backOff = BackOff.Settings()
  package var filter = SpanFilter()
  /// Whether spans get attributes that say which rollout they belong to, where they have none of their own.
  package var addsRollout = false
  /// Whether spans are sent again when they are tagged anew after they were sent.
  package var resendsRetagged = false
  /// Whether a target that is new gets what is stored already.
  package var startsAtOldest = false

  package init(name: String, url: String, carrier: Carrier) {
    self.name = name
    self.url = url
    self.carrier = carrier
  }

  /// The path of the call of OTLP/gRPC.
  package static let grpcPath = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
  /// The path of OTLP/HTTP below a base URL.
  package static let httpPath = "/v1/traces"
}
