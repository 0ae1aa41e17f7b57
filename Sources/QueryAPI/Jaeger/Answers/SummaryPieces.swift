import JSON
import Telemetry
import TraceStore

/// Summaries of traces, rendered piece by piece.
struct SummaryPieces: AnswerPieces {
  private static let pieceSize = 64 << 10

  private let traces: [TraceID]
  private let warning: String?
  private var done = 0
  private var writer = JSONWriter(reservingCapacity: 4 << 10)
  private(set) var isFinished = false

  var keptBytes: Int { traces.count * MemoryLayout<TraceID>.stride }

  /// - Parameter warning: Stands beside the summaries.
  init(_ traces: [TraceID], warning: String?) {
    self.traces = traces
    self.warning = warning
    writer.tokens("{\"summaries\":[")
  }

  mutating func next(_ session: any ReadSession) throws(StoreError) -> [UInt8] {
    while writer.bytes.count < Self.pieceSize && done < traces.count {
      if let summary = try session.summary(of: traces[done]) { Self.append(summary, &writer) }
      done += 1
    }
    isFinished = done == traces.count
    if isFinished {
      writer.endArray()
      if let warning {
        writer.key("warning")
        writer.string(warning)
      }
      writer.endObject()
    }
    return writer.takePiece(isLast: isFinished, reservingCapacity: Self.pieceSize)
  }

  private static func append(_ summary: TraceSummary, _ writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("traceId")
    writer.string(summary.traceID.description)
    writer.key("rootServiceName")
    writer.string(ServiceNames.shown(summary.rootService))
    writer.key("rootOperationName")
    writer.string(SpanName.shown(summary.rootOperation))
    writer.key("minStartTimeUnixNano")
    writer.unsignedString(summary.start)
    writer.key("maxEndTimeUnixNano")
    writer.unsignedString(summary.end)
    writer.key("spanCount")
    writer.integer(Int64(summary.spans))
    writer.key("errorSpanCount")
    writer.integer(Int64(summary.errors))
    writer.key("orphanSpanCount")
    writer.integer(Int64(summary.orphans))
    writer.key("services")
    writer.beginArray()
    for service in summary.services {
      writer.beginObject()
      writer.key("name")
      writer.string(ServiceNames.shown(service.name))
      writer.key("spanCount")
      writer.integer(Int64(service.spans))
      writer.key("errorSpanCount")
      writer.integer(Int64(service.errors))
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
  }
}
