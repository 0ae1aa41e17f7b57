import Arguments
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
    let columns = fit(titles, &widths, flexible: flexible, leastWidth: leastWidth, dispensable: dispensable)
    return rows.map { row in line(columns.map { row[$0] }, columns.map { widths[$0] }) + "\n" }.joined()
  }

  /// Makes columns fit into the terminal, if there is one.
  ///
  /// - Parameter widths: Get what is left for the flexible column.
  /// - Returns: The columns that are shown.
  fileprivate static func fit(
    _ titles: [String], _ widths: inout [Int], flexible: Int, leastWidth: Int = 0, dispensable: [Int]
  ) -> [Int] {
    var columns = Array(titles.indices)
    guard let width = terminalWidth else { return columns }
    var others: Int {
      columns.reduce(0) { $0 + ($1 == flexible ? titles[$1].count : widths[$1]) } + 2 * (columns.count - 1)
    }
    let wanted = max(0, min(leastWidth, widths[flexible]) - titles[flexible].count)
    for column in dispensable where others + wanted > width { columns.removeAll { $0 == column } }
    let room = width - others + titles[flexible].count
    widths[flexible] = max(titles[flexible].count, min(widths[flexible], room))
    return columns
  }

  fileprivate static func line(_ cells: [String], _ widths: [Int]) -> String {
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

  /// A text that begins in a column, in lines that fit into the terminal and begin there too; in a pipe it is one line.
  static func wrapped(_ text: String, at column: Int) -> String {
    terminalWidth.map { text.wrapped(to: $0, hanging: column, startingAt: column) } ?? text
  }

  /// `nil` when standard output is no terminal.
  static var terminalWidth: Int? {
    var size = winsize()
    guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }
}

/// A table whose rows are printed as they come.
///
/// What is still to come is not known, so the columns have widths that are mostly enough.
struct RunningTable {
  private let columns: [Int]
  private let widths: [Int]

  /// - Parameters:
  ///   - widths: Of the columns, where there is room.
  ///   - flexible: The column that is cut when a row is wider than the terminal.
  ///   - dispensable: Columns that are left out before, in this order.
  init(_ titles: [String], widths: [Int], flexible: Int, dispensable: [Int]) {
    var widths = zip(titles, widths).map { max($0.count, $1) }
    columns = TextTable.fit(titles, &widths, flexible: flexible, dispensable: dispensable)
    self.widths = widths
  }

  /// A row with the end of its line; a value that is wider than its column is cut, or shifts the others in a pipe.
  func line(_ cells: [String]) -> String {
    let shown = columns.map { TextTable.printable(cells[$0]) }
    guard let room = TextTable.terminalWidth else {
      return TextTable.line(shown, zip(columns, shown).map { max(widths[$0], $1.count) }) + "\n"
    }
    let line = TextTable.line(shown, columns.map { widths[$0] })
    return (line.count > room ? line.prefix(room - 1) + "…" : line[...]) + "\n"
  }
}
