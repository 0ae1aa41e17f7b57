internal import Spelling

/// Why a command line was refused.
///
/// A program prints it with ``usageHint`` and exits with a status of its own choice (`EX_USAGE`, 64, is customary).
package struct ArgumentsError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Lower case, without a full stop.
  package let message: String
  /// The words of the command that was being read, the program first.
  package let command: [String]

  /// The message alone, without the hint.
  package var description: String { message }

  /// Where to read more: `see 'fulgurite serve --help'`.
  package var usageHint: String { "see '\(command.joined(separator: " ")) --help'" }
}

extension ArgumentsError {
  static func unknownFlag(_ name: String, known: [Flag], in command: [String]) -> Self {
    let suggestion = Spelling.suggestion(for: name, in: known.map(\.name))
    return Self(message: "unknown flag \"\(name)\"\(suggestion)", command: command)
  }

  static func unknownCommand(_ name: String, known: [Command], in command: [String]) -> Self {
    let suggestion = Spelling.suggestion(for: name, in: known.map(\.name))
    return Self(message: "unknown command \"\(name)\"\(suggestion)", command: command)
  }

  static func missingCommand(known: [Command], in command: [String]) -> Self {
    let names = known.map(\.name).joined(separator: ", ")
    return Self(message: "a command is needed: \(names)", command: command)
  }

  static func missingValue(_ flag: Flag, in command: [String]) -> Self {
    Self(message: "\(flag.name) needs a value: \(flag.name)=\(flag.value ?? "")", command: command)
  }

  static func unexpectedValue(_ flag: Flag, in command: [String]) -> Self {
    Self(message: "\(flag.name) takes no value", command: command)
  }

  static func repeated(_ flag: Flag, in command: [String]) -> Self {
    Self(message: "\(flag.name) is given more than once", command: command)
  }

  static func missingOperand(_ operand: Operand, in command: [String]) -> Self {
    Self(message: "\(operand.name) is needed: \(operand.summary)", command: command)
  }

  static func unexpectedOperand(_ text: String, in command: [String]) -> Self {
    Self(message: "unexpected argument \"\(text)\"", command: command)
  }
}
