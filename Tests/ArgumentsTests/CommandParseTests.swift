import Arguments
import Testing

let program = Command(
  "fulgurite", "keeps spans",
  flags: [Flag("--config", value: "FILE", "read FILE")],
  subcommands: [
    Command(
      "serve", "receive and serve spans",
      flags: [
        Flag("--set", value: "OPTION=VALUE", "set an option", isRepeatable: true), Flag("--insecure", "let anyone in"),
      ]),
    Command(
      "query", "ask",
      subcommands: [
        Command(
          "spans", "print spans",
          operands: [Operand("ROLLOUT", "the rollout"), Operand("ATTEMPT", "the attempt", isOptional: true)]),
        Command("rollouts", "print rollouts", operands: [Operand("ROLLOUT", "the rollouts", isRepeatable: true)]),
      ]),
  ])

@Suite("Command lines")
struct CommandParseTests {
  @Test("--version prints the version of a command that has one")
  func version() throws {
    let program = Command("tool", "does it", version: "tool 1.2.3\n", subcommands: [Command("run", "runs")])
    for arguments in [["--version"], ["--version", "run", "--nonsense"]] {
      guard case .version("tool 1.2.3\n") = try program.parse(arguments) else {
        Issue.record("\(arguments) is not understood")
        continue
      }
    }
    #expect(throws: ArgumentsError.self) { try program.parse(["run", "--version"]) }
    #expect(throws: ArgumentsError.self) { try Command("tool", "does it").parse(["--version"]) }
    guard case .help(let text) = try program.parse(["-h"]) else {
      Issue.record("no help")
      return
    }
    #expect(text.contains("--version  print the version\n"))
  }

  @Test("commands, flags of both forms and operands are told apart")
  func all() throws {
    let parsed = try run(["--config=a.yaml", "query", "spans", "ro-1", "at-1"])
    #expect(parsed.command == ["query", "spans"])
    #expect(parsed.value(of: "--config") == "a.yaml")
    #expect(parsed.operands == ["ro-1", "at-1"])
  }

  @Test("flags may follow the command they belong to, and the commands in it")
  func position() throws {
    let parsed = try run(["query", "spans", "ro-1", "--config", "a.yaml"])
    #expect(parsed.value(of: "--config") == "a.yaml")
    #expect(parsed.operands == ["ro-1"])
  }

  @Test("repeated flags keep their order among others")
  func order() throws {
    let parsed = try run(["serve", "--set", "a=1", "--insecure", "--set=b=2=3"])
    #expect(
      parsed.occurrences == [
        .init(flag: "--set", value: "a=1"), .init(flag: "--insecure", value: nil), .init(flag: "--set", value: "b=2=3"),
      ])
    #expect(parsed.values(of: "--set") == ["a=1", "b=2=3"])
    #expect(parsed.contains("--insecure"))
    #expect(!parsed.contains("--config"))
    #expect(parsed.value(of: "--config") == nil)
  }

  @Test("a hidden flag is taken and not suggested")
  func hidden() throws {
    var flag = Flag("--port", value: "PORT", "listen there")
    flag.isHidden = true
    let tool = Command("tool", "does it", flags: [flag, Flag("--data", value: "DIR", "read DIR")])
    guard case .run(let parsed) = try tool.parse(["--port", "1"]) else { throw Unexpected() }
    #expect(parsed.value(of: "--port") == "1")
    let error = #expect(throws: ArgumentsError.self) { try tool.parse(["--prt"]) }
    #expect(error?.description == "unknown flag \"--prt\"")
    guard case .help(let text) = try tool.parse(["--help"]) else { throw Unexpected() }
    #expect(text.contains("--data DIR") && !text.contains("--port"))
  }

  @Test("a value may be empty, be a dash, or start with one dash")
  func oddValues() throws {
    #expect(try run(["serve", "--set="]).values(of: "--set") == [""])
    #expect(try run(["serve", "--set", ""]).values(of: "--set") == [""])
    #expect(try run(["serve", "--set", "-1"]).values(of: "--set") == ["-1"])
    #expect(try run(["serve", "--set=--x"]).values(of: "--set") == ["--x"])
    #expect(try run(["--config", "-", "serve"]).value(of: "--config") == "-")
  }

  @Test("two dashes end the flags")
  func dashes() throws {
    #expect(try run(["query", "rollouts", "--", "--config", "-h"]).operands == ["--config", "-h"])
  }

  @Test("an optional operand may be missing, a repeated one has no end")
  func operands() throws {
    #expect(try run(["query", "spans", "ro-1"]).operands == ["ro-1"])
    #expect(try run(["query", "rollouts", "a", "b", "c"]).operands == ["a", "b", "c"])
  }

  @Test("a program without commands takes operands itself")
  func plain() throws {
    let plain = Command("tool", "does it", operands: [Operand("FILE", "the file")])
    guard case .run(let parsed) = try plain.parse(["x"]) else { throw Unexpected() }
    #expect(parsed.command == [] && parsed.operands == ["x"])
  }

  @Test(
    "each error says what is wrong and where to read more",
    arguments: [
      (["serve", "--sett", "x"], "unknown flag \"--sett\", did you mean \"--set\"?", "fulgurite serve"),
      (["--sett"], "unknown flag \"--sett\"", "fulgurite"),
      (["serve", "-x"], "unknown flag \"-x\"", "fulgurite serve"),
      (["serv"], "unknown command \"serv\", did you mean \"serve\"?", "fulgurite"),
      (["query", "dinosaurs"], "unknown command \"dinosaurs\"", "fulgurite query"),
      ([], "a command is needed: serve, query", "fulgurite"),
      (["query"], "a command is needed: spans, rollouts", "fulgurite query"),
      (["serve", "--set"], "--set needs a value: --set=OPTION=VALUE", "fulgurite serve"),
      (["serve", "--set", "--insecure"], "--set needs a value: --set=OPTION=VALUE", "fulgurite serve"),
      (["serve", "--insecure=yes"], "--insecure takes no value", "fulgurite serve"),
      (["serve", "--insecure", "--insecure"], "--insecure is given more than once", "fulgurite serve"),
      (["query", "spans"], "ROLLOUT is needed: the rollout", "fulgurite query spans"),
      (["query", "rollouts"], "ROLLOUT is needed: the rollouts", "fulgurite query rollouts"),
      (["query", "spans", "a", "b", "c"], "unexpected argument \"c\"", "fulgurite query spans"),
      (["serve", "now"], "unexpected argument \"now\"", "fulgurite serve"),
    ] as [([String], String, String)])
  func errors(arguments: [String], message: String, command: String) throws {
    let error = #expect(throws: ArgumentsError.self) { try program.parse(arguments) }
    #expect(error?.description == message)
    #expect(error?.usageHint == "see '\(command) --help'")
  }
}

private struct Unexpected: Error {}

private func run(_ arguments: [String]) throws -> ParsedArguments {
  guard case .run(let parsed) = try program.parse(arguments) else { throw Unexpected() }
  return parsed
}
