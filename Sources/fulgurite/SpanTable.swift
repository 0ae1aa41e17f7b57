import Telemetry
import TraceStore

/// The spans of a rollout as a table.
enum SpanTable {
  /// Below this width the start of a span is printed without its date, in columns.
  private static let narrow = 120

  static func render(_ rows: [SpanRow]) -> String {
    let hasDates = TextTable.terminalWidth.map { $0 >= narrow } ?? true
    let cells = rows.map { row in
      [
        row.sequence.map(String.init) ?? "-", row.attemptID ?? "-", row.name, status(row.statusCode),
        hasDates ? UTCTime.text(row.startTime) : UTCTime.timeOfDay(row.startTime), duration(row),
        row.traceID.description, row.spanID.description, row.parentID?.description ?? "-",
      ]
    }
    return TextTable.render(
      ["SEQ", "ATTEMPT", "NAME", "STATUS", "START", "DURATION", "TRACE", "SPAN", "PARENT"], cells, flexible: 2,
      leastWidth: 24,
      // Parent, trace, attempt.
      dispensable: [8, 6, 1])
  }

  private static func status(_ code: Int32) -> String {
    switch code {
    case 0: "unset"
    case 1: "ok"
    case 2: "error"
    default: String(code)
    }
  }

  private static func duration(_ row: SpanRow) -> String {
    guard row.startTime != 0, row.endTime != 0, row.endTime >= row.startTime else { return "-" }
    let microseconds = (row.endTime - row.startTime) / 1_000
    switch microseconds {
    case ..<1_000: return "\(microseconds) us"
    case ..<1_000_000: return "\(microseconds / 1_000).\(microseconds / 100 % 10) ms"
    default: return "\(microseconds / 1_000_000).\(microseconds / 100_000 % 10) s"
    }
  }
}
