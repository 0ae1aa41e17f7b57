/// Everything that is wrong with a configuration.
package struct ConfigurationError: Error, Sendable, CustomStringConvertible {
  /// At least one.
  package let problems: [ConfigurationProblem]

  /// One problem a line.
  package var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// One thing that is wrong.
package struct ConfigurationProblem: Hashable, Sendable, CustomStringConvertible {
  /// Where it was said; the defaults when nobody said it.
  package let source: ConfigurationSource
  /// The path of the option, if it is about one.
  package let option: String?
  /// What is wrong and what is allowed; lower case, without a full stop.
  package let message: String

  /// `fulgurite.yaml:12: limits.streams: expected ...`.
  package var description: String {
    let place = source == .default ? "" : "\(source): "
    return place + (option.map { "\($0): " } ?? "") + message
  }
}

/// Where a value comes from, in increasing precedence.
package enum ConfigurationSource: Hashable, Sendable, CustomStringConvertible {
  case `default`
  /// A line of the configuration file; `nil` for the file as a whole.
  case file(String, line: Int?)
  case environment(String)
  /// A flag of the command line.
  case flag(String)

  /// How messages name the place: `fulgurite.yaml:12`, `environment variable FULGURITE_LOOPS`, `--set`.
  package var description: String {
    switch self {
    case .default: "default"
    case .file(let path, let line): line.map { "\(path):\($0)" } ?? path
    case .environment(let name): "environment variable \(name)"
    case .flag(let name): name
    }
  }
}
