import Compression
import Metrics
import Telemetry
import Transport

/// OTLP/HTTP.
///
/// [OTLP/HTTP](https://opentelemetry.io/docs/specs/otlp/#otlphttp)
extension OTLPReceiver {
  /// The two encodings of OTLP/HTTP.
  ///
  /// An answer has the type of its request.
  private enum Encoding: String {
    case protobuf = "application/x-protobuf"
    case json = "application/json"

    init?(_ request: HTTPRequest) {
      switch MediaType(request) {
      case .protobuf: self = .protobuf
      case .json: self = .json
      case .grpc, .other: return nil
      }
    }
  }

  private static let acceptedCodings = "gzip, deflate, zstd, identity"

  func respondToExport(_ request: HTTPRequest, _ tag: RolloutTag) async -> HTTPResponse {
    guard request.method == .post else { return Self.methodNotAllowed }
    metrics.requests[.http]?.increment()
    guard let encoding = Encoding(request) else {
      refused(request, .http, reason: "unsupported", detail: "unsupported content type", spans: nil, tag: tag)
      return Self.text(415, "unsupported content type, supported: application/x-protobuf, application/json\n")
    }
    do throws(ExportFailure) {
      let outcome = try await export(request, encoding, tag)
      return answer(request, outcome, encoding, tag)
    } catch {
      refused(request, .http, reason: error.reason, detail: error.message, spans: nil, tag: tag)
      return Self.failure(error, encoding)
    }
  }

  private func export(_ request: HTTPRequest, _ encoding: Encoding, _ tag: RolloutTag)
    async throws(ExportFailure) -> SpanPipeline.Outcome
  {
    guard let coding = ContentCoding(fieldValue: request.headers.first("content-encoding") ?? "") else {
      throw ExportFailure(
        status: 415, code: .invalidArgument,
        message: "unsupported content encoding, supported: \(Self.acceptedCodings)",
        reason: "unsupported")
    }
    var share = InFlightBudget.Share(budget)
    let limit = options.requestBytes
    let delay = options.retryDelaySeconds
    let sent = try await RequestBytes.receive(request, limit: limit, &share, retryAfter: delay)
    let bytes = try await RequestBytes.decompress(sent, coding, limit: limit, &share, retryAfter: delay)
    return try await pipeline.store(bytes, encoding == .json ? .json : .protobuf, tag: tag, .http)
  }

  private func answer(_ request: HTTPRequest, _ outcome: SpanPipeline.Outcome, _ encoding: Encoding, _ tag: RolloutTag)
    -> HTTPResponse
  {
    let partial = PartialSuccess(outcome.rejected)
    if !outcome.rejected.isEmpty {
      refused(
        request, .http, reason: "invalid_id", detail: partial.message, spans: outcome.rejected.count, tag: tag,
        rejected: outcome.rejected)
    }
    guard outcome.accepted > 0 || outcome.rejected.isEmpty else {
      return Self.failure(.malformed("no span of the request can be stored: \(partial.message)"), encoding)
    }
    return HTTPResponse(
      status: 200, headers: ["content-type": encoding.rawValue],
      body: .bytes(encoding == .json ? partial.json : partial.protobuf))
  }

  /// Metrics and logs are answered as if they were stored: an error would disable the exporter of a gateway that sends
  /// all signals to one endpoint.
  func respondToDiscarded(_ request: HTTPRequest, _ signal: String) async -> HTTPResponse {
    guard request.method == .post else { return Self.methodNotAllowed }
    let encoding = Encoding(request) ?? .protobuf
    do throws(ExportFailure) {
      try await Self.drain(request.body, limit: options.requestBytes)
    } catch {
      return Self.failure(error, encoding)
    }
    metrics.discardedSignals[signal]?.increment()
    return HTTPResponse(
      status: 200, headers: ["content-type": encoding.rawValue],
      body: .bytes(encoding == .json ? Array("{}".utf8) : []))
  }

  /// Receives a body and keeps nothing of it.
  static func drain(_ body: RequestBody, limit: Int) async throws(ExportFailure) {
    if let declared = body.declaredLength, declared > limit { throw .tooLarge(limit) }
    var size = 0
    while let piece = try await RequestBytes.next(body) {
      size += piece.count
      guard size <= limit else { throw .tooLarge(limit) }
    }
  }

  private static func failure(_ failure: ExportFailure, _ encoding: Encoding) -> HTTPResponse {
    var failure = failure
    // A body that cannot be decompressed is internal for gRPC alone, where the framing is the library's business.
    if failure.status == 400 { failure.code = .invalidArgument }
    let status = StatusMessage(failure: failure)
    var response = HTTPResponse(
      status: failure.status, headers: ["content-type": encoding.rawValue],
      body: .bytes(encoding == .json ? status.json : status.protobuf))
    if let seconds = failure.retryAfter { response.headers.append("retry-after", String(seconds)) }
    if failure.status == 415 { response.headers.append("accept-encoding", acceptedCodings) }
    response.closesConnection = failure.closesConnection
    return response
  }

  private static var methodNotAllowed: HTTPResponse {
    var response = text(405, "method not allowed, supported: [POST]\n")
    response.headers.append("allow", "POST")
    return response
  }

  private static func text(_ status: Int, _ message: String) -> HTTPResponse {
    HTTPResponse(
      status: status, headers: ["content-type": "text/plain; charset=utf-8"], body: .bytes(Array(message.utf8)))
  }
}
