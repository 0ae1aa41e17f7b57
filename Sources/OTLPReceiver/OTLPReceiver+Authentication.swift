package import Transport

extension OTLPReceiver {
  /// The answer to a request without a valid token, in the form of its transport.
  package static func unauthenticated(_ request: HTTPRequest) -> HTTPResponse {
    let failure = ExportFailure(
      status: 401, code: .unauthenticated, message: "a bearer token is needed", reason: "unauthenticated")
    if isGRPC(request) { return GRPCResponse.failure(failure) }
    let isJSON = request.headers.first("content-type")?.lowercased().hasPrefix("application/json") == true
    let status = StatusMessage(failure: failure)
    return HTTPResponse(
      status: 401,
      headers: [
        "content-type": isJSON ? "application/json" : "application/x-protobuf", "www-authenticate": "Bearer",
      ],
      body: .bytes(isJSON ? status.json : status.protobuf))
  }
}
