import APISupport
import Configuration
import Credentials
import Forwarder
import LLMProxy
import LightningAPI
import OTLPReceiver
import QueryAPI
import Transport

/// Finds the part of the program that a request is for, and whether its sender may ask it.
struct RequestRouter: Sendable {
  private let gate: TokenGate
  private let receiver: OTLPReceiver
  private let queries: QueryAPI
  private let lightning: LightningAPI
  private let operations: OperationsAPI
  private let proxy: LLMProxy?
  private let forwarders: ForwarderAPI

  init(
    gate: TokenGate, receiver: OTLPReceiver, queries: QueryAPI, lightning: LightningAPI, operations: OperationsAPI,
    proxy: LLMProxy?, forwarders: ForwarderAPI
  ) {
    self.gate = gate
    self.receiver = receiver
    self.queries = queries
    self.lightning = lightning
    self.operations = operations
    self.proxy = proxy
    self.forwarders = forwarders
  }

  /// Answers a request that came in on a listener with these route sets.
  func respond(to request: HTTPRequest, _ routeSets: Set<RouteSet>) async -> HTTPResponse {
    // The proxy's listener serves nothing else, so that no path of a provider can ever mean something of ours.
    if routeSets.contains(.llm), let proxy { return await proxy.respond(to: request) }
    // Health says nothing of the data, so it needs no token.
    if let answer = operations.health(request) { return answer }
    if routeSets.contains(.ingest), let route = OTLPReceiver.route(request) {
      let tokens = gate.ingest
      guard !OTLPReceiver.needsToken(request) || isAllowed(request, tokens) else {
        return receiver.unauthenticated(request)
      }
      // Who has shown a token, or is on this machine, may say which rollout it works for.
      let isTrusted = !tokens.isEmpty || request.peer.isLoopback
      return await receiver.respond(to: request, route, isTrusted: isTrusted)
    }
    guard routeSets.contains(.api) else { return JSONAnswer.error(404, "nothing is served at this path") }
    if let answer = lightning.preflight(request) { return answer }
    guard isAllowed(request, gate.api) else {
      return lightning.serves(request)
        ? lightning.share(LightningAPI.unauthenticated, with: request) : Self.unauthenticated
    }
    // Without a token, nothing else keeps the pages of strangers from having a browser on this machine change the store.
    if gate.api.isEmpty, lightning.isForeignWrite(request) { return LightningAPI.foreignOrigin }
    if gate.api.isEmpty, queries.isForeignWrite(request) { return QueryAPI.foreignOrigin }
    if let answer = await lightning.respond(to: request) { return lightning.share(answer, with: request) }
    if let answer = await queries.respond(to: request) { return answer }
    if let answer = forwarders.respond(to: request) { return answer }
    if let answer = operations.metrics(request) { return answer }
    if let answer = APIDescription.respond(to: request) { return answer }
    // Agent Lightning's server has all of this prefix, and so has the form of its errors.
    if request.path.hasPrefix("/v1/") { return LightningAPI.notFound }
    return JSONAnswer.error(404, "nothing is served at this path")
  }

  private func isAllowed(_ request: HTTPRequest, _ tokens: TokenSet) -> Bool {
    tokens.isEmpty || tokens.accepts(authorization: request.headers.first("authorization"))
  }

  private static var unauthenticated: HTTPResponse {
    var response = JSONAnswer.error(401, "a bearer token is needed")
    response.headers.append("www-authenticate", "Bearer")
    return response
  }
}
