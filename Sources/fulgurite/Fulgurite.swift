import Arguments
import Glibc

/// The program.
@main struct Fulgurite {
  // Not async: the main thread of an async program is parked in a way that lets signals end the process, which
  // `serve` takes itself.
  static func main() {
    ProcessSetup.fillStandardDescriptors()
    ProcessSetup.ignoreBrokenPipes()
    do throws(ArgumentsError) {
      switch try CommandTable.program.parse(Array(CommandLine.arguments.dropFirst())) {
      case .help(let text), .version(let text): print(text)
      case .run(let arguments): run(arguments)
      }
    } catch {
      StandardError.write("fulgurite: \(error); \(error.usageHint)\n")
      exit(ExitStatus.usage)
    }
  }

  private static func run(_ arguments: ParsedArguments) -> Never {
    switch arguments.command {
    case ["version"]: print(ProgramVersion.line)
    case ["serve"]:
      ProcessSetup.prepare()
      let signals = ProcessSignals()
      finish { await ServeCommand.run(arguments, signals) }
    case ["query", "spans"]: report { await QuerySpansCommand.run(arguments) }
    case ["query", "rollouts"]: report { await QueryRolloutsCommand.run(arguments) }
    case ["rollouts", "list"]: report { await RolloutsListCommand.run(arguments) }
    case ["rollouts", "show"]: report { await RolloutsShowCommand.run(arguments) }
    case ["rollouts", "tail"]: report { await RolloutsTailCommand.run(arguments) }
    case ["retention"]: report { await RetentionCommand.run(arguments) }
    case ["forward"]: report { await ForwardCommand.run(arguments) }
    case ["doctor"]: report { await DoctorCommand.run(arguments) }
    default: exit(ExitStatus.usage)
    }
  }

  /// Prints all that was asked for, and ends the process.
  private static func print(_ text: String) -> Never {
    StandardOutput.write(text)
    exit(StandardOutput.status(after: ExitStatus.success))
  }

  /// Runs a command whose result is its output, and ends the process with its status.
  private static func report(_ command: @escaping @Sendable () async -> Int32) -> Never {
    finish { StandardOutput.status(after: await command()) }
  }

  /// Runs a command, and ends the process with its status.
  private static func finish(_ command: @escaping @Sendable () async -> Int32) -> Never {
    Task.detached { exit(await command()) }
    while true { pause() }
  }
}

/// What the program ends with; the numbers are those of `sysexits.h`.
enum ExitStatus {
  static let success: Int32 = 0
  static let failure: Int32 = 1
  /// The command line cannot be understood.
  static let usage: Int32 = 64
  /// The configuration is wrong.
  static let configuration: Int32 = 78
}
