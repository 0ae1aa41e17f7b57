import Logging
import Metrics
import OTLPReceiver
import TraceStore
import Transport

/// A receiver without sockets, over a writer that only remembers.
struct Receiver {
  let writer: FakeWriter
  let registry = MetricsRegistry()
  let refusals = RefusalLog()
  let receiver: OTLPReceiver

  init(
    _ writer: FakeWriter = FakeWriter(), isStoreHealthy: Bool = true,
    _ change: (inout OTLPReceiverOptions) -> Void = { _ in }
  ) {
    self.writer = writer
    var options = OTLPReceiverOptions()
    change(&options)
    let clock = LogClock(now: { Timestamp(millisecondsSinceEpoch: 0) }, uptime: { .zero })
    receiver = OTLPReceiver(
      writer: writer, options: options, registry: registry, refusals: refusals,
      logger: Logger(level: .info, format: .text, sink: LogSink { _ in }, clock: clock), now: { 42 },
      isStoreHealthy: { isStoreHealthy })
  }

  /// What the server would answer; `nil` when the request is none for the receiver.
  func respond(_ request: HTTPRequest, isTrusted: Bool = false) async -> HTTPResponse? {
    guard let route = OTLPReceiver.route(request) else { return nil }
    return await receiver.respond(to: request, route, isTrusted: isTrusted)
  }

  /// Posts to `/v1/traces`.
  func post(
    _ body: [UInt8], type: String? = "application/x-protobuf", encoding: String? = nil, path: String = "/v1/traces",
    headers: HTTPHeaders = [:], isTrusted: Bool = false
  ) async throws -> HTTPResponse {
    var headers = headers
    if let type { headers.set("content-type", type) }
    if let encoding { headers.set("content-encoding", encoding) }
    let request = HTTPRequest(method: .post, path: path, headers: headers, body: RequestBody(body))
    guard let response = await respond(request, isTrusted: isTrusted) else { throw NotRouted() }
    return response
  }

  /// Calls `TraceService/Export` with a body as it is.
  func call(
    _ body: [UInt8], path: String = Receiver.exportPath, headers: HTTPHeaders = [:], isTrusted: Bool = false
  ) async throws -> HTTPResponse {
    var all: HTTPHeaders = ["content-type": "application/grpc", "te": "trailers"]
    for field in headers.fields { all.set(field.name, field.value) }
    let request = HTTPRequest(
      method: .post, path: path, version: .http2, headers: all, body: RequestBody(body))
    guard let response = await respond(request, isTrusted: isTrusted) else { throw NotRouted() }
    return response
  }

  static let exportPath = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

  /// The value of a line of the metrics.
  func metric(_ line: String) -> String? {
    registry.exposition().split(separator: "\n").first { $0.hasPrefix(line + " ") }.map {
      String($0.dropFirst(line.count + 1))
    }
  }
}

/// A request that the receiver was to take did not reach it.
struct NotRouted: Error {}

extension HTTPResponse {
  var bytes: [UInt8] { if case .bytes(let bytes) = body { bytes } else { [] } }
  var text: String { String(decoding: bytes, as: UTF8.self) }
  /// The gRPC status, from the trailers or from the headers of an answer without a message.
  var grpcStatus: String? { trailers.first("grpc-status") ?? headers.first("grpc-status") }
}
