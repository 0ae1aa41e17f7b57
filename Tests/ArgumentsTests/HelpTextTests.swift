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

  @Test(
    "a text is broken between words where a line would be too wide",
    arguments: [
      (10, 0, "aaa bbb\nccc ddd"), (11, 0, "aaa bbb ccc\nddd"), (11, 4, "aaa bbb\n    ccc ddd"),
      (3, 1, "aaa\n bbb\n ccc\n ddd"), (80, 4, "aaa bbb ccc ddd"),
    ])
  func wrapping(width: Int, column: Int, lines: String) {
    #expect("aaa bbb ccc ddd".wrapped(to: width, hanging: column, startingAt: column) == lines)
  }

  @Test(
    "a word that is wider than a line is broken behind commas",
    arguments: [
      (9, "see {a:1,\nb:2,c:3}\nnow"), (8, "see\n{a:1,\nb:2,c:3}\nnow"), (13, "see\n{a:1,b:2,c:3}\nnow"),
      (4, "see\n{a:1,\nb:2,\nc:3}\nnow"),
    ])
  func wideWords(width: Int, lines: String) {
    #expect("see {a:1,b:2,c:3} now".wrapped(to: width, hanging: 0) == lines)
  }

  private func help(_ arguments: [String]) throws -> String {
    guard case .help(let text) = try ArgumentsTests.program.parse(arguments) else { throw Unexpected() }
    return text
  }
}

private struct Unexpected: Error {}
