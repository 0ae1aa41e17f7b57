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
      wrap("\(words.joined(separator: " ")): \(command.summary)", hanging: 0),
      wrap("Usage: \(usage)", hanging: 7),
    ]
    sections += command.discussion.split(separator: "\n\n").map { wrap(String($0), hanging: 0) }
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
      return start + wrap(row.summary, hanging: column, startingAt: column)
    }
    return ([title] + lines).joined(separator: "\n")
  }

  /// Breaks a text between words.
  ///
  /// - Parameters:
  ///   - hanging: By how many columns the lines after the first are indented.
  ///   - start: The column in which the text begins.
  private func wrap(_ text: String, hanging: Int, startingAt start: Int = 0) -> String {
    var lines = [""]
    var column = start
    for word in text.split(whereSeparator: \.isWhitespace) {
      let isFirst = lines[lines.count - 1].isEmpty
      if !isFirst, column + 1 + word.count > Self.width {
        lines.append(String(word))
        column = hanging + word.count
      } else {
        lines[lines.count - 1] += (isFirst ? "" : " ") + word
        column += (isFirst ? 0 : 1) + word.count
      }
    }
    return lines.joined(separator: "\n" + "".padded(to: hanging))
  }
}

extension String {
  fileprivate func padded(to count: Int) -> String {
    self + String(repeating: " ", count: max(0, count - self.count))
  }
}
