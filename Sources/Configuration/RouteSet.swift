package import Credentials

/// A set of routes that share who may use them.
package enum RouteSet: String, CaseIterable, Sendable {
  /// Where spans come in.
  case ingest
  /// Where spans and rollouts are asked for.
  case api
}

/// A listener as the configuration describes it.
package struct ListenerConfiguration: Sendable, Equatable {
  /// The path of its option, for messages.
  package let option: String
  /// Empty when the listener is off.
  package let addresses: [ListenAddress]
  /// What it serves.
  package let routeSets: [RouteSet]
}

extension ListenConfiguration {
  /// All listeners, also those that are off.
  package var listeners: [ListenerConfiguration] {
    [
      ListenerConfiguration(option: "listen.otlp_http", addresses: otlpHTTP, routeSets: [.ingest]),
      ListenerConfiguration(option: "listen.otlp_grpc", addresses: otlpGRPC, routeSets: [.ingest]),
      ListenerConfiguration(option: "listen.api", addresses: api, routeSets: [.ingest, .api]),
    ]
  }
}

extension AuthConfiguration {
  /// Who may use the routes; an empty set means that everybody may.
  package func tokens(of routeSet: RouteSet) -> TokenSet {
    switch routeSet {
    case .ingest: ingest.all
    case .api: api.all
    }
  }
}
