extension Upstream {
  /// The URL that a request goes to.
  ///
  /// A base URL stands for all that the provider's own SDK puts before the path: with a version at its end the version of
  /// the request is left out, and without any path it is written.
  ///
  /// - Parameters:
  ///   - version: The first segment of the path, such as `/v1`, when it is a version.
  ///   - path: What follows, percent-encoded.
  func url(version: String?, path: String, query: String?) -> String {
    var url = baseURL
    if !endsWithVersion { url += version ?? impliedVersion }
    url += path
    if let query, !query.isEmpty { url += "?" + query }
    return url
  }

  private var impliedVersion: String {
    switch family {
    // The SDK of Anthropic writes the version itself, whatever the base URL.
    case .anthropic: "/v1"
    case .openai: hasPath ? "" : "/v1"
    case .gemini: "/v1beta"
    }
  }

  private var hasPath: Bool {
    guard let scheme = baseURL.firstRange(of: "://") else { return false }
    return baseURL[scheme.upperBound...].contains("/")
  }

  private var endsWithVersion: Bool {
    guard hasPath, let last = baseURL.split(separator: "/").last else { return false }
    return ProxyPath.isVersion(last)
  }
}
