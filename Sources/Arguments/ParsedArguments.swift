/// What a command line asks for.
package enum ArgumentsResult: Sendable {
  /// Print this text on standard output and exit with success.
  case help(String)
  /// The same, for the version.
  case version(String)
  case run(ParsedArguments)
}

/// A command line that fits its command.
package struct ParsedArguments: Sendable {
  /// One flag as it was given; `value` is `nil` for a flag without one.
  package struct Occurrence: Hashable, Sendable {
    /// The name of the flag, with its dashes.
    package let flag: String
    /// What was given with it; `nil` for a flag that takes nothing.
    package let value: String?

    /// Makes an occurrence, for tests.
    package init(flag: String, value: String?) {
      self.flag = flag
      self.value = value
    }
  }

  /// The sub-commands that were named, outermost first; empty for a program without sub-commands.
  package internal(set) var command: [String] = []
  /// The flags in the order of the command line, because a later one may override an earlier one.
  package internal(set) var occurrences: [Occurrence] = []
  /// What stands on the command line besides commands and flags.
  package internal(set) var operands: [String] = []

  /// Whether the flag was given.
  package func contains(_ flag: String) -> Bool { occurrences.contains { $0.flag == flag } }

  /// The value of a flag that is given at most once.
  package func value(of flag: String) -> String? { values(of: flag).last }

  /// The values of a flag, in order.
  package func values(of flag: String) -> [String] {
    occurrences.compactMap { $0.flag == flag ? $0.value : nil }
  }
}
