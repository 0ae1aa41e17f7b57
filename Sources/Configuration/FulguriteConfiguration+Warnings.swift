internal import Credentials

extension FulguriteConfiguration {
  /// What is allowed and yet dangerous; to be logged at every start.
  package var warnings: [String] {
    var warnings: [String] = []
    for listener in listeners {
      let open = listener.routeSets.filter { auth.tokens(of: $0).isEmpty }
      guard !open.isEmpty else { continue }
      for address in listener.addresses where !address.isLoopback {
        let names = open.map(\.rawValue).joined(separator: " and ")
        warnings.append("\(listener.option): \(address) lets anyone who reaches it use \(names) without a token")
      }
    }
    for upstream in llm.upstreams where upstream.apiKey != nil {
      guard !upstream.baseURL.isSecure, !upstream.baseURL.isLoopback else { continue }
      warnings.append(
        "\(upstream.section): its API key goes to \(upstream.baseURL.authority) without "
          + "TLS")
    }
    for target in forward.targets where !target.secretHeaders.isEmpty {
      guard !target.endpoint.isSecure, !target.endpoint.isLoopback else { continue }
      warnings.append("\(target.section): its headers go to \(target.endpoint.authority) without TLS")
    }
    if store.discard { warnings.append("store.discard: every span is thrown away after it was acknowledged") }
    return warnings
  }
}
