import Arguments
import Testing

@Suite("Help")
struct HelpTextTests {
  @Test("the help of a program lists its commands and flags")
  func program() throws {
    #expect(
      try help(["--help"]) == """
        fulgurite: keeps spans

        Usage: fulgurite [FLAGS] COMMAND

        Commands:
          serve  receive and serve spans
          query  ask

        Flags:
          --config FILE  read FILE
          --help         print this help (also -h)

        """)
  }

  @Test("the help of a command lists its operands, and the flags of its parents")
  func operands() throws {
    #expect(
      try help(["query", "spans", "-h"]) == """
        fulgurite query spans: print spans

        Usage: fulgurite query spans [FLAGS] ROLLOUT [ATTEMPT]

        Arguments:
          ROLLOUT  the rollout
          ATTEMPT  the attempt

        Flags:
          --config FILE  read FILE
          --help         print this help (also -h)

        """)
    #expect(try help(["query", "rollouts", "-h"]).contains("[FLAGS] ROLLOUT...\n"))
    #expect(try help(["serve", "-h"]).contains("set an option; repeatable\n"))
  }

  @Test("long texts are broken at 80 columns, long names stand alone")
  func width() throws {
    let words = String(repeating: "word ", count: 60)
    let command = Command(
      "tool", words, discussion: "\(words)\n\n\(words)",
      flags: [Flag("--a-name-that-is-longer-than-the-column", value: "VALUE", words), Flag("--short", words)],
      operands: (0..<20).map { Operand("OPERAND\($0)", words) })
    guard case .help(let text) = try command.parse(["-h"]) else { throw Unexpected() }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.allSatisfy { $0.count <= 80 && !$0.hasSuffix(" ") })
    #expect(lines.contains { $0.count > 70 })
    #expect(lines.contains("  --a-name-that-is-longer-than-the-column VALUE"))
    #expect(lines.contains { $0.hasPrefix("  --short  word word") })
  }

  private func help(_ arguments: [String]) throws -> String {
    guard case .help(let text) = try ArgumentsTests.program.parse(arguments) else { throw Unexpected() }
    return text
  }
}

private struct Unexpected: Error {}
