/// The help of one command, in lines of at most 80 columns.
struct HelpText {
  private static let width = 80
  /// Names longer than this have their summary on the next line.
  private static let widestName = 26

  let command: Command
  /// The words that lead to the command, the program first.
  let words: [String]
  /// All flags that it understands; those that are hidden are left out.
  let flags: [Flag]

  var text: String {
    var sections = [
      "\(words.joined(separator: " ")): \(command.summary)".wrapped(to: Self.width, hanging: 0),
      "Usage: \(usage)".wrapped(to: Self.width, hanging: 7),
    ]
    sections += command.discussion.split(separator: "\n\n").map { String($0).wrapped(to: Self.width, hanging: 0) }
    sections.append(table("Commands:", command.subcommands.map { ($0.name, $0.summary) }))
    sections.append(table("Arguments:", command.operands.map { ($0.name, $0.summary) }))
    sections.append(
      table(
        "Flags:",
        flags.filter { !$0.isHidden }.map { ($0.nameAndValue, $0.summary + ($0.isRepeatable ? "; repeatable" : "")) }))
    return sections.filter { !$0.isEmpty }.joined(separator: "\n\n") + "\n"
  }

  private var usage: String {
    var parts = words
    parts.append("[FLAGS]")
    if !command.subcommands.isEmpty { parts.append("COMMAND") }
    parts += command.operands.map { operand in
      let name = operand.name + (operand.isRepeatable ? "..." : "")
      return operand.isOptional ? "[\(name)]" : name
    }
    return parts.joined(separator: " ")
  }

  private func table(_ title: String, _ rows: [(name: String, summary: String)]) -> String {
    guard !rows.isEmpty else { return "" }
    let names = rows.map(\.name.count).filter { $0 <= Self.widestName }
    let column = (names.max() ?? 0) + 4
    let lines = rows.map { row in
      let name = "  " + row.name
      let isShort = name.count + 2 <= column
      let start = isShort ? name.padded(to: column) : name + "\n" + "".padded(to: column)
      return start + row.summary.wrapped(to: Self.width, hanging: column, startingAt: column)
    }
    return ([title] + lines).joined(separator: "\n")
  }
}

extension String {
  fileprivate func padded(to count: Int) -> String {
    self + String(repeating: " ", count: max(0, count - self.count))
  }
}
