import OTLP
import Protobuf
import Telemetry

/// A span as a sender would write it.
struct TestSpan: Sendable {
  /// An attribute value, as far as the tests need them.
  enum Value: Sendable {
    case string(String)
    case int(Int64)
  }

  var traceID: TraceID
  var spanID: SpanID
  var traceState = ""
  var parentID = SpanID(value: 0)
  var name = "operation"
  var kind: Int32 = 1
  var statusCode: Int32 = 0
  var start: UInt64 = 1_000
  var end: UInt64 = 2_000
  var attributes: [(String, Value)] = []
  var links: [(TraceID, SpanID)] = []

  init(trace: UInt64 = 1, _ id: UInt64) {
    traceID = Self.traceID(trace)
    spanID = SpanID(value: id)
  }

  /// Trace ids that differ in all of their bytes, the same for each number.
  static func traceID(_ number: UInt64) -> TraceID {
    let mixed = number &* 0x9E37_79B9_7F4A_7C15
    return TraceID(high: mixed ^ 0x0123_4567_89AB_CDEF, low: mixed &+ number)
  }

  /// The same span with some of it changed.
  func with(_ change: (inout TestSpan) -> Void) -> TestSpan {
    var copy = self
    change(&copy)
    return copy
  }

  /// The `Span` message.
  var bytes: [UInt8] {
    var writer = ProtobufWriter()
    writer.bytesField(1, bigEndian(traceID.high, traceID.low).span)
    writer.bytesField(2, bigEndian(spanID.value).span)
    if !traceState.isEmpty { writer.stringField(3, traceState) }
    if parentID.isValid { writer.bytesField(4, bigEndian(parentID.value).span) }
    writer.stringField(5, name)
    writer.varintField(6, UInt64(bitPattern: Int64(kind)))
    writer.fixed64Field(7, start)
    writer.fixed64Field(8, end)
    writer.attributes(9, attributes)
    for (traceID, spanID) in links {
      let link = writer.beginMessage(13)
      writer.bytesField(1, bigEndian(traceID.high, traceID.low).span)
      writer.bytesField(2, bigEndian(spanID.value).span)
      writer.endMessage(link)
    }
    let status = writer.beginMessage(15)
    writer.varintField(3, UInt64(bitPattern: Int64(statusCode)))
    writer.endMessage(status)
    return writer.bytes
  }

  private func bigEndian(_ numbers: UInt64...) -> [UInt8] {
    numbers.flatMap { number in (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(56 - 8 * $0)) } }
  }
}

/// An `ExportTraceServiceRequest` with one resource and some scopes.
func exportRequest(resource: [(String, TestSpan.Value)] = [], scopes: [[TestSpan]]) -> [UInt8] {
  var writer = ProtobufWriter()
  var resourceWriter = ProtobufWriter()
  resourceWriter.attributes(1, resource)
  let resourceSpans = writer.beginMessage(1)
  writer.bytesField(1, resourceWriter.bytes.span)
  for spans in scopes {
    var scopeSpans = ProtobufWriter()
    for span in spans { scopeSpans.bytesField(2, span.bytes.span) }
    writer.bytesField(2, scopeSpans.bytes.span)
  }
  writer.endMessage(resourceSpans)
  return writer.bytes
}

/// What the receiver makes of a clean request.
func batch(_ request: [UInt8], tag: RolloutTag = .unassigned) throws -> SpanBatch {
  var scanner = RequestScanner(requestTag: tag)
  guard try scanner.step(request.span), scanner.isClean else { throw UncleanRequest() }
  var batch = scanner.batch
  SegmentSplitter.split(request, &batch)
  return batch
}

/// A batch of spans of one scope.
func batch(
  _ spans: [TestSpan], resource: [(String, TestSpan.Value)] = [], tag: RolloutTag = .unassigned
) throws -> SpanBatch {
  try batch(exportRequest(resource: resource, scopes: [spans]), tag: tag)
}

/// A test has built a request that the receiver would not hand to the store.
struct UncleanRequest: Error {}

extension ProtobufWriter {
  /// The text `repeated KeyValue`.
  mutating func attributes(_ field: UInt32, _ attributes: [(String, TestSpan.Value)]) {
    for (key, value) in attributes {
      let member = beginMessage(field)
      stringField(1, key)
      let content = beginMessage(2)
      switch value {
      case .string(let text): stringField(1, text)
      case .int(let number): varintField(3, UInt64(bitPattern: number))
      }
      endMessage(content)
      endMessage(member)
    }
  }
}
