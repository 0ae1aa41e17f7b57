/// The request line and the header section of an HTTP/1 request, after all checks that concern framing.
struct HTTP1RequestHead: Hashable {
  /// How the end of the body is found.
  enum Framing: Hashable {
    case none
    case length(Int)
    case chunked
  }

  var method: HTTPMethod
  var path: String
  var query: String?
  /// Whether the target named a host.
  var isAbsoluteForm = false
  var version: HTTPVersion
  var headers: HTTPHeaders
  var framing: Framing
  /// Whether the client allows a next request on the connection.
  var isKeepAlive: Bool
  /// The client waits for `100 Continue` before it sends the body.
  var expectsContinue: Bool

  /// The length of the body in bytes; `nil` when only its end will tell.
  var declaredLength: Int? {
    switch framing {
    case .none: 0
    case .length(let length): length
    case .chunked: nil
    }
  }
}

extension HTTP1RequestHead {
  /// Checks what llhttp leaves to its user.
  init(
    method: HTTPMethod, target: RequestTarget?, major: UInt8, minor: UInt8, headers: HTTPHeaders, length: UInt64
  ) throws(HTTP1Error) {
    switch (major, minor) {
    case (1, 0): version = .http10
    case (1, 1): version = .http11
    default: throw HTTP1Error(505, "only HTTP/1.0, HTTP/1.1 and HTTP/2 with prior knowledge are spoken here")
    }
    guard method != .connect else { throw HTTP1Error(501, "this is not a proxy") }
    guard let target else { throw HTTP1Error(400, "malformed request target") }
    self.method = method
    path = target.path
    query = target.query
    isAbsoluteForm = target.authority != nil
    self.headers = headers
    framing = try Self.framing(version, headers, length: length)
    try Self.checkHost(version, headers)
    if let authority = target.authority { self.headers.set("host", authority) }
    isKeepAlive =
      version == .http11
      ? !headers.list("connection", contains: "close")
      : headers.list("connection", contains: "keep-alive") && !headers.list("connection", contains: "close")
    expectsContinue =
      version == .http11 && framing != .none && headers.list("expect", contains: "100-continue")
  }

  // RFC 9112, section 6: what could be read in two ways is refused, because another server may read it the other way.
  private static func framing(_ version: HTTPVersion, _ headers: HTTPHeaders, length: UInt64) throws(HTTP1Error)
    -> Framing
  {
    let codings = headers.all("transfer-encoding")
    let lengths = headers.all("content-length")
    guard codings.isEmpty else {
      guard lengths.isEmpty else { throw HTTP1Error(400, "both content-length and transfer-encoding") }
      guard version == .http11 else { throw HTTP1Error(400, "transfer-encoding in HTTP/1.0") }
      guard codings.count == 1, headers.list("transfer-encoding", contains: "chunked") else {
        throw HTTP1Error(codings.count == 1 ? 501 : 400, "transfer coding other than chunked")
      }
      // A list, such as "gzip, chunked": a coding that is not implemented stands before the last one.
      guard !codings[0].utf8.contains(UInt8(ascii: ",")) else {
        throw HTTP1Error(501, "transfer coding other than chunked")
      }
      return .chunked
    }
    guard !lengths.isEmpty else { return .none }
    guard lengths.count == 1, length <= UInt64(Int.max) else { throw HTTP1Error(400, "malformed content-length") }
    return length == 0 ? .none : .length(Int(length))
  }

  // RFC 9112, section 3.2.
  private static func checkHost(_ version: HTTPVersion, _ headers: HTTPHeaders) throws(HTTP1Error) {
    let count = headers.all("host").count
    guard count <= 1 else { throw HTTP1Error(400, "more than one host") }
    guard count == 1 || version == .http10 else { throw HTTP1Error(400, "missing host") }
  }
}
