package import Transport

/// Which pages of other origins may use an interface from a browser.
///
/// The answers are those of Starlette's middleware, which AGL's server uses.
/// [Fetch, CORS protocol](https://fetch.spec.whatwg.org/#http-cors-protocol)
package struct CrossOriginPolicy: Sendable {
  private static let methods = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]

  /// Seconds that a browser may remember the answer to a preflight.
  private static let maximumAge = "600"

  private let origins: Set<String>
  private let allowsAll: Bool

  package init(origins: [String]) {
    self.origins = Set(origins)
    allowsAll = origins.contains("*")
  }

  private func allows(_ origin: String) -> Bool { allowsAll || origins.contains(origin) }

  /// Whether a request comes from a page of another origin that is not allowed.
  ///
  /// Only browsers send an origin; a page of the server's own has the server's.
  package func isForeign(_ request: HTTPRequest) -> Bool {
    guard let origin = request.headers.first("origin"), !allows(origin) else { return false }
    let host = request.headers.first("host") ?? ""
    guard Self.cannotBeTaken(host) else { return true }
    return origin != "http://\(host)" && origin != "https://\(host)"
  }

  /// Whether a host is the same machine for everyone who names it.
  ///
  /// Whoever owns a name can have it mean one's own machine a moment after its page was loaded ("DNS rebinding"): then
  /// origin and host are the same, and foreign.
  private static func cannotBeTaken(_ host: String) -> Bool {
    if host.hasPrefix("[") { return true }
    let name = host.prefix { $0 != ":" }.lowercased()
    return name == "localhost" || name.hasSuffix(".localhost") || isIPv4(name)
  }

  private static func isIPv4(_ name: String) -> Bool {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
  }

  /// Answers the question that a browser asks before it sends a request.
  ///
  /// - Returns: `nil` for any other request, and when no origin is allowed at all.
  package func preflight(_ request: HTTPRequest) -> HTTPResponse? {
    guard !origins.isEmpty, request.method == .options, let origin = request.headers.first("origin"),
      let method = request.headers.first("access-control-request-method")
    else { return nil }
    var failures: [String] = []
    if !allows(origin) { failures.append("origin") }
    if !Self.methods.contains(method) { failures.append("method") }
    let text = failures.isEmpty ? "OK" : "Disallowed CORS " + failures.joined(separator: ", ")
    var response = HTTPResponse(
      status: failures.isEmpty ? 200 : 400,
      headers: [
        "content-type": "text/plain; charset=utf-8", "vary": "Origin",
        "access-control-allow-methods": Self.methods.joined(separator: ", "),
        "access-control-max-age": Self.maximumAge, "access-control-allow-credentials": "true",
      ], body: .bytes(Array(text.utf8)))
    if allows(origin) { response.headers.append("access-control-allow-origin", origin) }
    if let headers = request.headers.first("access-control-request-headers") {
      response.headers.append("access-control-allow-headers", headers)
    }
    return response
  }

  /// Marks an answer as one that a page of the request's origin may see, if it may.
  ///
  /// The origin is named also where all are allowed: the star is not accepted by a browser that sends credentials. So
  /// every answer depends on the origin, and says so to caches, also when the request had none.
  package func share(_ response: HTTPResponse, with request: HTTPRequest) -> HTTPResponse {
    guard !origins.isEmpty else { return response }
    var response = response
    response.headers.append("vary", "Origin")
    guard let origin = request.headers.first("origin") else { return response }
    response.headers.append("access-control-allow-credentials", "true")
    response.headers.append("access-control-expose-headers", "*")
    if allows(origin) { response.headers.append("access-control-allow-origin", origin) }
    return response
  }
}
