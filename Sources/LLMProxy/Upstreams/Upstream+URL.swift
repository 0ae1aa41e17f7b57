/// How the version of a request gets into the URL of its upstream.
///
/// A base URL stands for all that the provider's own SDK puts before the path: with a version at its end the version of
/// the request is left out, and without any path it is written.
enum VersionRule: Hashable, Sendable {
  /// The base URL has one already.
  case leftOut
  /// That of the request, else this one.
  case written(implied: String)

  init(baseURL: String, _ family: Upstream.Family) {
    let rest = baseURL.split(separator: "/", omittingEmptySubsequences: false).dropFirst(3)
    if let last = rest.last, ProxyPath.isVersion(last) {
      self = .leftOut
      return
    }
    switch family {
    // The SDK of Anthropic writes the version itself, whatever the base URL.
    case .anthropic: self = .written(implied: "/v1")
    case .openai: self = .written(implied: rest.isEmpty ? "/v1" : "")
    case .gemini: self = .written(implied: "/v1beta")
    }
  }
}

extension Upstream {
  /// The URL that a request goes to.
  ///
  /// - Parameters:
  ///   - version: The first segment of the path, such as `/v1`, when it is a version.
  ///   - path: What follows, percent-encoded.
  func url(version: String?, path: String, query: String?) -> String {
    var url = baseURL
    if case .written(let implied) = versionRule { url += version ?? implied }
    url += path
    if let query, !query.isEmpty { url += "?" + query }
    return url
  }
}
