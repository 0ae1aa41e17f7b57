import APISupport
package import Credentials
import TraceStore
import Transport

/// Who calls, as far as the proxy knows.
struct Caller: Sendable {
  /// What its calls are counted by; `nil` without a key.
  var identity: String?
  /// The session of its key.
  var session: ActiveSession?
  /// Whether its headers may say what it works for.
  var isTrusted: Bool
  /// Whether its calls continue its traces.
  var mayContinueTraces: Bool

  /// The place of its session key.
  var place: (rolloutID: String, attemptID: String)? { session.map { ($0.rolloutID, $0.attemptID) } }

  /// Whether its key allows some models alone.
  var hasModelLimit: Bool { session?.session.limits.models != nil }

  func allows(model: String) -> Bool { session?.allows(model: model) ?? true }
}

/// Decides who may call.
package struct ProxyAccess: Sendable {
  private let clients: @Sendable () -> TokenSet
  private let admins: @Sendable () -> TokenSet
  private let sessions: SessionKeys
  private let trust: LLMProxyOptions.Trust
  /// A page of another origin could spend the user's money.
  private static let crossOrigin = CrossOriginPolicy(origins: [])

  /// - Parameters:
  ///   - clients: The keys of clients; none means that anyone may call.
  ///   - admins: The keys of those who manage the proxy; none means that this machine may, while anyone may call.
  package init(
    clients: @escaping @Sendable () -> TokenSet, admins: @escaping @Sendable () -> TokenSet,
    sessions: SessionKeys, trust: LLMProxyOptions.Trust
  ) {
    self.clients = clients
    self.admins = admins
    self.sessions = sessions
    self.trust = trust
  }

  /// The caller of a request.
  func caller(of request: HTTPRequest, _ path: ProxyPath) throws(ProxyFault) -> Caller {
    let keys = ShownKeys(ofCall: request, path)
    if let key = keys.main, key.hasPrefix(SessionKey.prefix) { return try caller(ofSession: key) }
    let tokens = clients()
    if tokens.isEmpty {
      if Self.crossOrigin.isForeign(request) {
        throw ProxyFault(403, "permission_error", "pages of other origins may not call", code: "foreign_origin")
      }
      // It would go to the provider, in the place of the provider's own or beside it.
      if keys.accepted(by: admins()) != nil {
        throw ProxyFault(401, "authentication_error", "the admin key is not for calls", code: "invalid_api_key")
      }
      return caller(identity: nil, isTrusted: request.peer.isLoopback)
    }
    if keys.all.isEmpty { throw ProxyFault(401, "authentication_error", "a key is needed", code: "missing_api_key") }
    guard let key = keys.accepted(by: tokens) else {
      throw ProxyFault(401, "authentication_error", "the key is not known", code: "invalid_api_key")
    }
    return caller(identity: key, isTrusted: true)
  }

  private func caller(ofSession key: String) throws(ProxyFault) -> Caller {
    switch sessions.find(key) {
    case .active(let active):
      sessions.noteUse(of: active)
      return caller(identity: active.session.id, isTrusted: true, session: active)
    case .ended, .expired:
      throw ProxyFault(410, "authentication_error", "the session of the key has ended", code: "session_ended")
    case .unknown: throw ProxyFault(401, "authentication_error", "the key is not known", code: "invalid_api_key")
    }
  }

  /// Counts a call that is about to be sent to a provider.
  ///
  /// What was refused before is none: clients ask again and again while the proxy is paused.
  func countRequest(of caller: Caller) throws(ProxyFault) {
    guard let session = caller.session, !sessions.noteRequest(of: session) else { return }
    throw ProxyFault(429, "rate_limit_error", "the session has made all its requests", code: "session_exhausted")
  }

  private func caller(identity: String?, isTrusted: Bool, session: ActiveSession? = nil) -> Caller {
    let continues =
      switch trust {
      case .always: true
      case .trusted: isTrusted
      case .never: false
      }
    return Caller(identity: identity, session: session, isTrusted: isTrusted, mayContinueTraces: continues)
  }

  /// Whether the key that a caller showed is the provider's and not ours.
  func passesCredentials(_ caller: Caller) -> Bool { caller.identity == nil }

  /// Whether a request may manage the proxy.
  func isAdmin(_ request: HTTPRequest) -> Bool {
    let tokens = admins()
    if tokens.isEmpty { return request.peer.isLoopback && clients().isEmpty && !Self.crossOrigin.isForeign(request) }
    return ShownKeys(ofCall: request, nil).accepted(by: tokens) != nil
  }
}
