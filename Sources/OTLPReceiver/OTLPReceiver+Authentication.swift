package import Transport

extension OTLPReceiver {
  /// Whether a request must show a token, when there are tokens: health says nothing of the data.
  package static func needsToken(_ request: HTTPRequest) -> Bool {
    if case .checkHealth? = GRPCMethod(path: request.path) { false } else { true }
  }

  /// Notes a request without a valid token, and answers it in the form of its transport.
  package func unauthenticated(_ request: HTTPRequest) -> HTTPResponse {
    let failure = ExportFailure(
      status: 401, code: .unauthenticated, message: "a bearer token is needed", reason: "unauthenticated")
    let transport: ReceiverMetrics.Transport = Self.isGRPC(request) ? .grpc : .http
    refused(
      request, transport, reason: failure.reason, detail: failure.message, spans: nil, tag: RequestTag.read(request))
    if transport == .grpc { return GRPCResponse.failure(failure) }
    let isJSON = MediaType(request) == .json
    let status = StatusMessage(failure: failure)
    return HTTPResponse(
      status: 401,
      headers: [
        "content-type": isJSON ? "application/json" : "application/x-protobuf", "www-authenticate": "Bearer",
      ],
      body: .bytes(isJSON ? status.json : status.protobuf))
  }
}
