import JSON
import Protobuf
import Telemetry
import TraceStore

/// Traces as Jaeger's page reads them.
struct JaegerTraceFormat: TraceFormat {
  private static let capacity = SpanPieces<TraceRenderer>.pieceSize + 64 << 10

  private var writer = JSONWriter(reservingCapacity: capacity)
  private var processes = ProcessTable()
  /// The scope around the span before.
  private var scope: (segment: Int64, start: Int, fields: ScopeFields)?
  /// What is said about the answer as a whole.
  private let warning: JaegerFault?
  private let namesMissing: Bool

  /// - Parameters:
  ///   - warning: Stands among the errors of the answer.
  ///   - namesMissing: Whether traces without spans are errors of the answer.
  init(warning: JaegerFault? = nil, namesMissing: Bool = false) {
    self.warning = warning
    self.namesMissing = namesMissing
    writer.tokens("{\"data\":[")
  }

  var byteCount: Int { writer.bytes.count }

  mutating func takeOutput(isLast: Bool) -> [UInt8] {
    writer.takePiece(isLast: isLast, reservingCapacity: Self.capacity)
  }

  mutating func beginTrace(_ traceID: TraceID) {
    processes = ProcessTable()
    writer.tokens("{\"traceID\":")
    writer.string(traceID.jaegerText)
    writer.tokens("\"spans\":[")
  }

  mutating func append(_ view: SpanView, _ bytes: Span<UInt8>, _ location: SpanLocation) {
    let count = writer.bytes.count
    do throws(ProtobufError) {
      let process = try processes.number(bytes, location)
      if scope?.segment != location.segment || scope?.start != location.scopeSpans.lowerBound {
        scope = (location.segment, location.scopeSpans.lowerBound, try ScopeFields(bytes, at: location.scopeSpans))
      }
      try JaegerSpanWriter.append(bytes, location.span, scope!.fields, view, process: process, to: &writer)
    } catch {
      // What was stored was read by the scanner before; a segment's checksum would have told of damage.
      writer.bytes.removeLast(writer.bytes.count - count)
    }
  }

  mutating func endTrace(omitted: Int) {
    writer.continuation("],\"processes\":{")
    processes.write(to: &writer)
    writer.continuation("},\"warnings\":")
    var warnings: [String] = []
    if omitted > 0 { warnings.append("the trace has \(omitted) more spans, which are not shown") }
    if processes.isCut { warnings.append("the tags of some processes are not shown: there are too many") }
    if warnings.isEmpty {
      writer.null()
    } else {
      writer.beginArray()
      for warning in warnings { writer.string(warning) }
      writer.endArray()
    }
    writer.endObject()
  }

  mutating func finish(missing: [TraceID]) {
    writer.endArray()
    var errors: [JaegerFault] = []
    if namesMissing {
      errors = missing.map { JaegerFault(404, "trace not found", traceID: $0.jaegerText) }
    }
    if let warning { errors.append(warning) }
    JaegerAnswer.finishEnvelope(total: 0, errors: errors, &writer)
  }
}
