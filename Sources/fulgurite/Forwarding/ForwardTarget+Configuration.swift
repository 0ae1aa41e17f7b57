import Configuration
import Forwarder
import Transport

extension ForwardTarget {
  init(_ configured: ForwardTargetConfiguration) {
    let carrier: Carrier = configured.carrier == .grpc ? .grpc : .http
    self.init(name: configured.name, url: Self.url(configured.endpoint, carrier), carrier: carrier)
    for header in configured.headers + configured.secretHeaders { headers.append(header.name, header.value) }
    certificateFile = configured.caFile.isEmpty ? nil : configured.caFile
    if !configured.certificateFile.isEmpty {
      clientCertificate = ClientCertificate(file: configured.certificateFile, keyFile: configured.keyFile)
    }
    compresses = configured.compression == .gzip
    timeout = configured.timeout
    batchBytes = configured.batchBytes
    batchSpans = configured.batchSpans
    interval = configured.interval
    backOff.initial = configured.firstRetry
    backOff.maximum = configured.longestRetry
    filter.services = configured.services.map(SpanFilter.Pattern.init)
    filter.rollouts = configured.rollouts.map(SpanFilter.Pattern.init)
    filter.errorsOnly = configured.errorsOnly
    addsRollout = configured.addsRollout
    resendsRetagged = configured.resendsRetagged
    startsAtOldest = configured.start == .oldest
  }

  /// The URL of the call
  /// ([endpoint rules](https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp)).
  private static func url(_ endpoint: UpstreamURL, _ carrier: Carrier) -> String {
    switch carrier {
    case .grpc: endpoint.description + grpcPath
    case .http: endpoint.path.isEmpty ? endpoint.description + httpPath : endpoint.description
    }
  }
}
