import Credentials
import Transport

/// The keys that a request shows, wherever clients put them.
///
/// Clients send what they have of their own beside the key that is meant: which one counts depends on who asks.
struct ShownKeys {
  /// Those of the headers, in the order in which providers are told apart.
  ///
  /// The bearer token stands before the headers that some providers have in its place.
  private static let headers = ["authorization", "x-api-key", "api-key", "x-goog-api-key"]

  private(set) var all: [String] = []

  /// The keys in the headers of a request.
  init(inHeadersOf request: HTTPRequest) { addHeaders(of: request) }

  /// All keys of a call: of its path, its headers, and its query, where Gemini's clients put theirs.
  init(ofCall request: HTTPRequest, _ path: ProxyPath?) {
    if let key = path?.key { all.append(key) }
    addHeaders(of: request)
    if request.query != nil, let key = PercentEncoding.parameters(request.query).first(where: { $0.name == "key" }) {
      all.append(key.value)
    }
  }

  /// The key that counts: that of a session, and without one the first.
  var main: String? { all.first { $0.hasPrefix(SessionKey.prefix) } ?? all.first }

  /// The first key that is one of a set.
  func accepted(by tokens: TokenSet) -> String? { all.first { tokens.accepts(bearer: $0) } }

  private mutating func addHeaders(of request: HTTPRequest) {
    for name in Self.headers {
      for value in request.headers.all(name) {
        guard let key = name == "authorization" ? Self.bearer(value) : value, !key.isEmpty else { continue }
        all.append(key)
      }
    }
  }

  /// Reads the token of an `authorization` field.
  ///
  /// A key of a session may stand there alone.
  private static func bearer(_ value: String) -> String? {
    let parts = value.split { $0 == " " || $0 == "\t" }
    if parts.count == 1, parts[0].hasPrefix(SessionKey.prefix) { return String(parts[0]) }
    guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
    return String(parts[1])
  }
}
