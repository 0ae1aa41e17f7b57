/// How much a query may ask for.
package struct QueryConfiguration: Sendable, Equatable {
  /// The number of results of a query that names none.
  ///
  /// Default 1000, environment `FULGURITE_QUERY_DEFAULT_LIMIT`.
  package var defaultLimit = 1000
  /// The largest number of results that a query may name.
  ///
  /// Default 10000, environment `FULGURITE_QUERY_MAXIMUM_LIMIT`.
  package var maximumLimit = 10_000
  /// How long a query may run before it is interrupted.
  ///
  /// Default 30 s, environment `FULGURITE_QUERY_DEADLINE`.
  package var deadline = Duration.seconds(30)

  /// The defaults.
  package init() {}
}

extension QueryConfiguration {
  static let options = [
    ConfigurationOption(
      "query.default_limit", \.query.defaultLimit, .integer(1...1_000_000),
      "The number of results of a query that names none. At most query.maximum_limit."),
    ConfigurationOption(
      "query.maximum_limit", \.query.maximumLimit, .integer(1...1_000_000),
      "The largest number of results that a query may name."),
    ConfigurationOption(
      "query.deadline", \.query.deadline, .positiveDuration,
      "How long a query may run before it is interrupted."),
  ]
}
