extension Command {
  /// Reads a command line.
  ///
  /// Flags may stand before and behind operands and sub-commands; `--` ends them. `--help`, `-h` and `--version` win
  /// over every error that would come after them.
  ///
  /// - Parameter arguments: Without the name of the program.
  package func parse(_ arguments: [String]) throws(ArgumentsError) -> ArgumentsResult {
    var parser = ArgumentParser(program: self, arguments: arguments)
    return try parser.parse()
  }
}

private struct ArgumentParser {
  private var rest: ArraySlice<String>
  private var command: Command
  /// The words that led to `command`.
  private var words: [String]
  /// The flags of `command` and of the commands around it.
  private var flags: [Flag]
  private var parsed = ParsedArguments()

  init(program: Command, arguments: [String]) {
    rest = arguments[...]
    command = program
    words = [program.name]
    flags = program.flags
  }

  mutating func parse() throws(ArgumentsError) -> ArgumentsResult {
    var flagsAreOver = false
    while let argument = rest.popFirst() {
      if flagsAreOver || !argument.hasPrefix("-") || argument == "-" {
        try takeWord(argument)
      } else if argument == "--" {
        flagsAreOver = true
      } else if argument == "--help" || argument == "-h" {
        return .help(HelpText(command: command, words: words, flags: flags + command.answeredFlags).text)
      } else if argument == "--version", let version = command.version {
        return .version(version)
      } else {
        try takeFlag(argument)
      }
    }
    try checkComplete()
    return .run(parsed)
  }

  private mutating func takeWord(_ word: String) throws(ArgumentsError) {
    guard command.subcommands.isEmpty else { return try enterCommand(word) }
    let isExpected = parsed.operands.count < command.operands.count || command.operands.last?.isRepeatable == true
    guard isExpected else { throw .unexpectedOperand(word, in: words) }
    parsed.operands.append(word)
  }

  private mutating func enterCommand(_ name: String) throws(ArgumentsError) {
    guard let next = command.subcommands.first(where: { $0.name == name }) else {
      throw .unknownCommand(name, known: command.subcommands, in: words)
    }
    command = next
    words.append(name)
    flags += next.flags
    parsed.command.append(name)
  }

  private mutating func takeFlag(_ argument: String) throws(ArgumentsError) {
    let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    guard let flag = flags.first(where: { $0.name == name }) else {
      throw .unknownFlag(name, known: flags.filter { !$0.isHidden } + command.answeredFlags, in: words)
    }
    guard flag.isRepeatable || !parsed.contains(name) else { throw .repeated(flag, in: words) }
    let value = try value(of: flag, attached: parts.count == 2 ? String(parts[1]) : nil)
    parsed.occurrences.append(.init(flag: name, value: value))
  }

  private mutating func value(of flag: Flag, attached: String?) throws(ArgumentsError) -> String? {
    guard flag.value != nil else {
      guard attached == nil else { throw .unexpectedValue(flag, in: words) }
      return nil
    }
    if let attached { return attached }
    // What looks like a flag is one: a forgotten value is more likely than a value that starts with two dashes, and for
    // that there is --name=VALUE.
    guard let next = rest.first, !next.hasPrefix("--") else { throw .missingValue(flag, in: words) }
    rest.removeFirst()
    return next
  }

  private func checkComplete() throws(ArgumentsError) {
    guard command.subcommands.isEmpty else { throw .missingCommand(known: command.subcommands, in: words) }
    guard parsed.operands.count < command.operands.count else { return }
    let missing = command.operands[parsed.operands.count]
    guard missing.isOptional else { throw .missingOperand(missing, in: words) }
  }
}
