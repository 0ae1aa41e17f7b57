import Testing
import Transport

@testable import LightningAPI

@Suite("Pages of other origins")
struct CrossOriginTests {
  private static func api(_ origins: [String]) -> LightningAPI {
    let store = FakeStore()
    var options = LightningAPI.Options()
    options.corsOrigins = origins
    return LightningAPI(reader: store, rollouts: store, options: options) { _ in }
  }

  private static func preflight(_ origin: String, method: String = "POST") -> HTTPRequest {
    HTTPRequest(
      method: .options, path: "/v1/agl/rollouts",
      headers: [
        "origin": origin, "access-control-request-method": method, "access-control-request-headers": "content-type,x-a",
      ])
  }

  @Test("of an allowed origin may ask")
  func allowed() async throws {
    let response = try #require(Self.api(["http://dash.local"]).preflight(Self.preflight("http://dash.local")))
    #expect(await text(response) == "OK" && response.status == 200)
    #expect(response.headers.first("access-control-allow-origin") == "http://dash.local")
    #expect(response.headers.first("access-control-allow-headers") == "content-type,x-a")
    #expect(
      response.headers.first("access-control-allow-methods") == "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT")
    #expect(response.headers.first("access-control-max-age") == "600")
  }

  @Test("of another origin may not")
  func denied() async throws {
    let response = try #require(Self.api(["http://dash.local"]).preflight(Self.preflight("http://evil.local")))
    #expect(await text(response) == "Disallowed CORS origin" && response.status == 400)
    #expect(response.headers.first("access-control-allow-origin") == nil)
    let method = try #require(Self.api(["*"]).preflight(Self.preflight("http://a", method: "BREW")))
    #expect(await text(method) == "Disallowed CORS method" && method.status == 400)
  }

  @Test("are not known where none are allowed")
  func off() async {
    #expect(Self.api([]).preflight(Self.preflight("http://dash.local")) == nil)
    #expect(await Self.api([]).respond(to: Self.preflight("http://dash.local"))?.status == 405)
    let other = HTTPRequest(method: .options, path: "/v1/other", headers: Self.preflight("http://a").headers)
    #expect(Self.api(["*"]).preflight(other) == nil)
  }

  /// The headers of an answer to a request with some.
  private static func headers(_ origins: [String], _ fields: HTTPHeaders) async throws -> HTTPHeaders {
    let api = Self.api(origins)
    let request = HTTPRequest(method: .get, path: "/v1/agl/nothing", headers: fields)
    let response = try #require(await api.respond(to: request))
    return api.share(response, with: request).headers
  }

  @Test("see answers, if they may")
  func answers() async throws {
    let allowed = try await Self.headers(["http://dash.local"], ["origin": "http://dash.local"])
    #expect(allowed.first("access-control-allow-origin") == "http://dash.local" && allowed.first("vary") == "Origin")
    #expect(allowed.first("access-control-allow-credentials") == "true")
    #expect(allowed.first("access-control-expose-headers") == "*")
    let denied = try await Self.headers(["http://dash.local"], ["origin": "http://evil.local"])
    #expect(denied.first("access-control-allow-origin") == nil)
  }

  @Test("are named in answers also where all are allowed, with or without credentials", arguments: [nil, "Bearer x"])
  func star(authorization: String?) async throws {
    var fields: HTTPHeaders = ["origin": "http://a"]
    if let authorization { fields.append("authorization", authorization) }
    let headers = try await Self.headers(["*"], fields)
    #expect(headers.first("access-control-allow-origin") == "http://a")
    #expect(headers.first("access-control-allow-credentials") == "true")
    #expect(headers.first("vary") == "Origin")
  }

  @Test("make every answer one that depends on them, for caches", arguments: [nil, "http://evil.local"])
  func cached(origin: String?) async throws {
    var fields = HTTPHeaders()
    if let origin { fields.append("origin", origin) }
    let headers = try await Self.headers(["http://dash.local"], fields)
    #expect(headers.first("vary") == "Origin")
    #expect(headers.first("access-control-allow-origin") == nil)
    let off = try await Self.headers([], fields)
    #expect(off.first("vary") == nil)
  }
}
