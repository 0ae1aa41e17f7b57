package import Transport

/// Sends export requests to a target, and says what its answers mean.
package struct ExportClient: Sendable {
  /// What is read of an answer: of a success all that OTLP allows, of a failure the beginning.
  private static let answerBytes = 4 << 20
  private static let failureBytes = 64 << 10

  let target: ForwardTarget
  private let client: HTTPClient
  private let userAgent: String
  /// Nanoseconds since 1970.
  private let now: @Sendable () -> Int64

  package init(_ target: ForwardTarget, client: HTTPClient, version: String, now: @escaping @Sendable () -> Int64) {
    self.target = target
    self.client = client
    self.now = now
    // [User agent](https://opentelemetry.io/docs/specs/otel/protocol/exporter/#user-agent)
    userAgent = "Fulgurite/\(version) OTel-OTLP-Exporter-Swift/\(version)"
  }

  /// Sends a body and waits for the answer.
  ///
  /// - Precondition: The caller runs on a loop of the client.
  func export(_ body: [UInt8]) async -> ExportVerdict {
    let transfer = client.start(request(body))
    do throws(ClientError) {
      let head = try await transfer.head()
      let answer = try await read(transfer, head)
      return target.carrier == .grpc
        ? grpcVerdict(head, answer, transfer.trailers) : httpVerdict(head, answer)
    } catch {
      return .unavailable(ExportFault(error.message))
    }
  }

  private func request(_ body: [UInt8]) -> ClientRequest {
    var request = ClientRequest(method: "POST", url: target.url, headers: target.headers, body: body)
    request.headers.set("user-agent", userAgent)
    switch target.carrier {
    case .grpc:
      request.headers.set("content-type", "application/grpc")
      request.headers.set("te", "trailers")
      // At most eight digits.
      let milliseconds = Int(min(99_999_999, max(1, target.timeout / .milliseconds(1))))
      request.headers.set("grpc-timeout", "\(milliseconds)m")
      if target.compresses { request.headers.set("grpc-encoding", "gzip") }
      request.assumesHTTP2 = true
    case .http:
      request.headers.set("content-type", "application/x-protobuf")
      if target.compresses { request.headers.set("content-encoding", "gzip") }
    }
    request.certificateFile = target.certificateFile
    request.clientCertificate = target.clientCertificate
    request.totalTimeout = target.timeout
    request.connectTimeout = min(target.timeout, .seconds(10))
    return request
  }

  /// Reads the body of an answer, as far as it is of use.
  private func read(_ transfer: HTTPTransfer, _ head: ClientResponse) async throws(ClientError) -> [UInt8] {
    let isSuccess = (200..<300).contains(head.status)
    let limit = isSuccess ? Self.answerBytes : Self.failureBytes
    var body: [UInt8] = []
    do throws(ClientError) {
      while let piece = try await transfer.next() {
        body += piece.prefix(limit - body.count)
        guard body.count < limit else {
          transfer.cancel()
          break
        }
      }
    } catch {
      // The status has said what there is to say, unless it is still to come behind the body.
      if isSuccess { throw error }
    }
    return body
  }

  private func httpVerdict(_ head: ClientResponse, _ body: [UInt8]) -> ExportVerdict {
    if (200..<300).contains(head.status) { return Self.accepted(body) }
    let text = Self.message(head, body)
    let delay = head.headers.first("retry-after").flatMap { RetryAfter.parse($0, now: now() / 1_000_000_000) }
    return .http(head.status, ExportFault("HTTP \(head.status)\(text.isEmpty ? "" : ": \(text)")", retryAfter: delay))
  }

  private func grpcVerdict(_ head: ClientResponse, _ body: [UInt8], _ trailers: HTTPHeaders) -> ExportVerdict {
    // An answer of headers alone has its status there.
    let fields = trailers.first("grpc-status") != nil ? trailers : head.headers
    guard let text = fields.first("grpc-status"), let status = Int(text) else {
      if (200..<300).contains(head.status) { return .unavailable(ExportFault("the answer has no grpc-status")) }
      return httpVerdict(head, body)
    }
    if status == 0 { return Self.accepted(RequestBody.grpcMessage(body) ?? []) }
    let details = fields.first("grpc-status-details-bin").flatMap { StatusDetails(base64: $0) }
    let message = fields.first("grpc-message").map { PercentEncoding.decode($0[...]) ?? $0 } ?? details?.message ?? ""
    let name = ExportVerdict.grpcName(status)
    return .grpc(
      status,
      ExportFault("gRPC \(name)\(message.isEmpty ? "" : ": \(Self.cut(message))")", retryAfter: details?.retryDelay))
  }

  private static func accepted(_ body: [UInt8]) -> ExportVerdict {
    let answer = ExportAnswer(body)
    return .accepted(rejected: answer.rejectedSpans, message: cut(answer.message))
  }

  /// What an error says for people: the message of a `google.rpc.Status`, or the beginning of a text.
  private static func message(_ head: ClientResponse, _ body: [UInt8]) -> String {
    if (300..<400).contains(head.status) { return "redirects are not followed" }
    let type = head.headers.first("content-type") ?? ""
    if type.hasPrefix("application/x-protobuf") { return cut(StatusDetails(body).message) }
    guard type.hasPrefix("text/plain") || type.hasPrefix("application/json") else { return "" }
    return cut(String(decoding: body.prefix(1024), as: UTF8.self))
  }

  /// One short line.
  private static func cut(_ text: String) -> String {
    let line = text.split(whereSeparator: { $0.isNewline }).joined(separator: " ")
    return line.count <= 300 ? line : line.prefix(300) + "..."
  }
}
