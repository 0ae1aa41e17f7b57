/// A program or one of its commands: the one table from which arguments are parsed and help is printed.
///
/// ```swift
/// let program = Command(
///   "fulgurite", "keeps OpenTelemetry spans by rollout",
///   subcommands: [Command("serve", "receive and serve spans", flags: [Flag("--config", value: "FILE", "read FILE")])])
/// switch try program.parse(Array(CommandLine.arguments.dropFirst())) { ... }
/// ```
package struct Command: Sendable {
  /// What is typed.
  package let name: String
  /// One line, lower case, without a full stop.
  package let summary: String
  /// Paragraphs for the help of this command, separated by blank lines; may be empty.
  package let discussion: String
  /// Flags of this command and of all its sub-commands.
  package let flags: [Flag]
  /// What stands behind the flags, in order; only the last may be repeated.
  package let operands: [Operand]
  /// What `--version` prints; without it there is no such flag.
  package let version: String?
  /// When there are any, one of them has to be named.
  package let subcommands: [Command]

  /// Declares a command; one that makes no sense is a fault of the program and traps.
  package init(
    _ name: String, _ summary: String, discussion: String = "", flags: [Flag] = [], operands: [Operand] = [],
    version: String? = nil, subcommands: [Command] = []
  ) {
    precondition(operands.isEmpty || subcommands.isEmpty, "a command has operands or sub-commands")
    precondition(operands.dropLast().allSatisfy { !$0.isRepeatable }, "only the last operand may be repeated")
    precondition(
      !zip(operands, operands.dropFirst()).contains { $0.isOptional && !$1.isOptional }, "optional ones last")
    self.name = name
    self.summary = summary
    self.discussion = discussion
    self.flags = flags
    self.operands = operands
    self.version = version
    self.subcommands = subcommands
  }
}

extension Command {
  /// The flags that are answered without running the command.
  var answeredFlags: [Flag] { version == nil ? [.help] : [.version, .help] }
}

/// `--name` or `--name VALUE`.
package struct Flag: Sendable, Hashable {
  /// With its two dashes.
  package let name: String
  /// How help calls the value, in upper case; `nil` for a flag that is either there or not.
  package let value: String?
  /// One sentence, lower case, without a full stop.
  package let summary: String
  /// Whether it may be given more than once.
  package let isRepeatable: Bool
  /// Whether it is only taken, and neither help nor suggestions speak of it.
  package var isHidden = false

  /// How help shows it: `--name VALUE`.
  package var nameAndValue: String { value.map { "\(name) \($0)" } ?? name }

  /// Declares a flag; without `value` it is there or not.
  package init(_ name: String, value: String? = nil, _ summary: String, isRepeatable: Bool = false) {
    precondition(name.hasPrefix("--") && !name.contains("=") && name.count > 2, "a flag is --name")
    self.name = name
    self.value = value
    self.summary = summary
    self.isRepeatable = isRepeatable
  }

  /// What every command understands.
  static let help = Flag("--help", "print this help (also -h)")
  /// What a command with a version understands.
  static let version = Flag("--version", "print the version")
}

/// An argument that is not a flag.
package struct Operand: Sendable, Hashable {
  /// How help and errors call it, in upper case.
  package let name: String
  /// One sentence, lower case, without a full stop.
  package let summary: String
  /// Whether it may be missing; optional operands stand behind the others.
  package let isOptional: Bool
  /// Whether there may be several.
  package let isRepeatable: Bool

  /// Declares an operand.
  package init(_ name: String, _ summary: String, isOptional: Bool = false, isRepeatable: Bool = false) {
    self.name = name
    self.summary = summary
    self.isOptional = isOptional
    self.isRepeatable = isRepeatable
  }
}
