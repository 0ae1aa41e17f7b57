import Metrics
import Protobuf
import Telemetry
import Transport

/// OTLP/gRPC and the health service.
///
/// [OTLP/gRPC](https://opentelemetry.io/docs/specs/otlp/#otlpgrpc)
extension OTLPReceiver {
  func respondToCall(_ request: HTTPRequest, _ tag: RolloutTag) async -> HTTPResponse {
    if let refusal = refuseHead(request) {
      refused(request, .grpc, reason: "unsupported", detail: "no gRPC call by its head", spans: nil, tag: tag)
      return refusal
    }
    guard let method = GRPCMethod(path: request.path) else {
      return GRPCResponse.failure(
        ExportFailure(
          status: 200, code: .unimplemented, message: "unknown service or method", reason: "unsupported"))
    }
    do throws(ExportFailure) {
      switch method {
      case .exportTraces: return try await exportTraces(request, tag)
      case .discard(let signal): return try await discard(request, signal)
      case .checkHealth: return try await checkHealth(request)
      }
    } catch {
      if case .exportTraces = method {
        refused(request, .grpc, reason: error.reason, detail: error.message, spans: nil, tag: tag)
      }
      return GRPCResponse.failure(error)
    }
  }

  /// What is wrong with a call before its message is looked at.
  private func refuseHead(_ request: HTTPRequest) -> HTTPResponse? {
    guard MediaType(request) == .grpc else {
      return GRPCResponse.failure(
        ExportFailure(
          status: 415, code: .invalidArgument, message: "the content type is not application/grpc",
          reason: "unsupported"), status: 415)
    }
    guard request.method == .post else {
      var response = GRPCResponse.failure(
        ExportFailure(
          status: 405, code: .internal, message: "the method is not POST", reason: "unsupported"), status: 405)
      response.headers.append("allow", "POST")
      return response
    }
    guard request.version == .http2 else {
      return GRPCResponse.failure(
        ExportFailure(status: 505, code: .internal, message: "gRPC needs HTTP/2", reason: "unsupported"), status: 505)
    }
    return nil
  }

  private func exportTraces(_ request: HTTPRequest, _ tag: RolloutTag) async throws(ExportFailure) -> HTTPResponse {
    metrics.requests[.grpc]?.increment()
    let timeout = try Self.timeout(request)
    let deadline = timeout.map { ContinuousClock.now + $0 }
    if let timeout { await request.body.expire(after: timeout) }
    var share = InFlightBudget.Share(budget)
    let message = try await GRPCMessage.receive(
      request, limit: options.requestBytes, &share, retryAfter: options.retryDelaySeconds)
    let outcome = try await pipeline.store(message, .protobuf, tag: tag, .grpc, deadline: deadline)
    let partial = PartialSuccess(outcome.rejected)
    if !outcome.rejected.isEmpty {
      refused(
        request, .grpc, reason: "invalid_id", detail: partial.message, spans: outcome.rejected.count, tag: tag,
        rejected: outcome.rejected)
    }
    guard outcome.accepted > 0 || outcome.rejected.isEmpty else {
      return GRPCResponse.failure(.malformed("no span of the request can be stored: \(partial.message)"))
    }
    return GRPCResponse.message(partial.protobuf)
  }

  private static func timeout(_ request: HTTPRequest) throws(ExportFailure) -> Duration? {
    guard let text = request.headers.first("grpc-timeout") else { return nil }
    guard let timeout = GRPCTimeout.parse(text) else { throw GRPCMessage.broken("grpc-timeout is malformed") }
    return timeout
  }

  private func discard(_ request: HTTPRequest, _ signal: String) async throws(ExportFailure) -> HTTPResponse {
    try await Self.drain(request.body, limit: options.requestBytes + GRPCMessage.prefixLength)
    metrics.discardedSignals[signal]?.increment()
    return GRPCResponse.message([])
  }

  /// Answers `grpc.health.v1.Health/Check`.
  ///
  /// [health.proto](https://github.com/grpc/grpc-proto/blob/master/grpc/health/v1/health.proto)
  private func checkHealth(_ request: HTTPRequest) async throws(ExportFailure) -> HTTPResponse {
    var share = InFlightBudget.Share(budget)
    let message = try await GRPCMessage.receive(
      request, limit: 64 << 10, &share, retryAfter: options.retryDelaySeconds)
    guard GRPCMethod.services.contains(try Self.serviceName(message)) else {
      return GRPCResponse.failure(
        ExportFailure(status: 200, code: .notFound, message: "unknown service", reason: "unsupported"))
    }
    // HealthCheckResponse: ServingStatus status = 1; 1 is SERVING, 2 NOT_SERVING.
    return GRPCResponse.message([0x08, isStoreHealthy() ? 1 : 2])
  }

  /// Reads `HealthCheckRequest`.
  ///
  /// `string service = 1`.
  private static func serviceName(_ message: [UInt8]) throws(ExportFailure) -> String {
    var name = ""
    do throws(ProtobufError) {
      var reader = ProtobufReader(message.span)
      while let tag = try reader.nextTag() {
        guard tag == .lengthDelimited(1) else {
          try reader.skip(tag)
          continue
        }
        name = String(decoding: message[try reader.lengthDelimited()], as: UTF8.self)
      }
    } catch {
      throw ExportFailure(error)
    }
    return name
  }
}
