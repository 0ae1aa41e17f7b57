import Glibc

/// Prints rows in columns, as wide as the terminal; into a pipe, rows are printed whole.
enum TextTable {
  /// Renders rows below their titles.
  ///
  /// - Parameters:
  ///   - flexible: The column that is cut when a row is wider than the terminal.
  ///   - leastWidth: How far it is cut while there are columns to leave out; no further than its title if not given.
  ///   - dispensable: Columns that are left out before, in this order.
  static func render(
    _ titles: [String], _ rows: [[String]], flexible: Int, leastWidth: Int = 0, dispensable: [Int] = []
  ) -> String {
    let rows = [titles] + rows.map { $0.map(printable) }
    var widths = titles.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    var columns = Array(titles.indices)
    if let width = terminalWidth {
      var others: Int {
        columns.reduce(0) { $0 + ($1 == flexible ? titles[$1].count : widths[$1]) } + 2 * (columns.count - 1)
      }
      let wanted = max(0, min(leastWidth, widths[flexible]) - titles[flexible].count)
      for column in dispensable where others + wanted > width { columns.removeAll { $0 == column } }
      let room = width - others + titles[flexible].count
      widths[flexible] = max(titles[flexible].count, min(widths[flexible], room))
    }
    return rows.map { row in line(columns.map { row[$0] }, columns.map { widths[$0] }) + "\n" }.joined()
  }

  private static func line(_ cells: [String], _ widths: [Int]) -> String {
    var line = ""
    for (cell, width) in zip(cells, widths) {
      let shown = cell.count > width ? cell.prefix(max(0, width - 1)) + "…" : Substring(cell)
      if !line.isEmpty { line += "  " }
      line += shown
      line += String(repeating: " ", count: width - shown.count)
    }
    while line.last == " " { line.removeLast() }
    return line
  }

  /// Names come from senders: what could steer a terminal is shown, not sent.
  static func printable(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { scalar in
          switch scalar.properties.generalCategory {
          case .control, .format, .lineSeparator, .paragraphSeparator: "\u{FFFD}"
          default: scalar
          }
        }))
  }

  /// `nil` when standard output is no terminal.
  static var terminalWidth: Int? {
    var size = winsize()
    guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }
}
