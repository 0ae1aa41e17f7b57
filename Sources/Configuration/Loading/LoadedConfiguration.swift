/// A configuration that has passed every check, and where its values come from.
package struct LoadedConfiguration: Sendable {
  /// The values of all options, ready for use.
  package internal(set) var values = FulguriteConfiguration()
  /// The source of each option that is not left at its default, by path.
  package internal(set) var sources: [String: ConfigurationSource] = [:]

  /// Where the value of an option comes from.
  package func source(of path: String) -> ConfigurationSource { sources[path] ?? .default }
}
