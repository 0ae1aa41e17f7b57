import JSON
import Protobuf
import Telemetry
import Testing
import TraceStore

@testable import QueryAPI

@Suite struct `Bounds of Jaeger's answers` {
  /// A `ResourceSpans` message with an attribute of some size, and a span.
  private func resourceSpans(_ number: Int, size: Int) -> (bytes: [UInt8], location: SpanLocation) {
    var writer = ProtobufWriter()
    let resource = writer.beginMessage(1)
    let attribute = writer.beginMessage(1)
    writer.stringField(1, "k\(number)")
    let value = writer.beginMessage(2)
    writer.stringField(1, String(repeating: "x", count: size))
    writer.endMessage(value)
    writer.endMessage(attribute)
    writer.endMessage(resource)
    let end = writer.bytes.count
    let location = SpanLocation(
      resourceSpans: 0..<end, scopeSpans: end..<end, span: end..<end, segment: Int64(number))
    return (writer.bytes, location)
  }

  @Test func `resources are held up to a size, then without their tags, and the trace says so`() throws {
    var format = JaegerTraceFormat()
    format.beginTrace(TraceID(high: 1, low: 1))
    for number in 1...12 {
      let (bytes, location) = resourceSpans(number, size: 1 << 20)
      format.append(SpanView(), bytes.span, location)
    }
    format.endTrace(omitted: 0)
    format.finish(missing: [])
    let output = format.takeOutput(isLast: true)
    #expect(output.count < 10 << 20)
    let trace = try #require(try JSONValue(parsing: output.span)["data"]?.elements?.first)
    #expect(trace["spans"]?.elements?.count == 12)
    #expect(trace["processes"]?["p1"]?["tags"]?.elements?.count == 1)
    // Those without tags are alike.
    #expect(trace["processes"]?["p8"]?["tags"]?.elements?.isEmpty == true)
    #expect(trace["processes"]?["p9"] == nil)
    #expect(trace["warnings"]?.elements?.count == 1)
  }

  @Test func `spans that are left out are counted`() throws {
    var format = JaegerTraceFormat(warning: JaegerFault(504, "late"), namesMissing: true)
    format.beginTrace(TraceID(high: 0, low: 1))
    format.endTrace(omitted: 5)
    format.finish(missing: [TraceID(high: 0, low: 2)])
    let answer = try JSONValue(parsing: format.takeOutput(isLast: true).span)
    #expect(answer["data"]?.elements?.first?["warnings"]?.elements?.first?.text?.contains("5 more spans") == true)
    let errors = answer["errors"]?.elements
    #expect(errors?.map { $0["msg"]?.text } == ["trace not found", "late"])
    #expect(errors?.first?["traceID"]?.text == "0000000000000002")
  }
}

@Suite struct `Conditions of a search` {
  private func attribute(_ key: String, _ write: (inout ProtobufWriter) -> Void) -> [UInt8] {
    var writer = ProtobufWriter()
    writer.stringField(1, key)
    let value = writer.beginMessage(2)
    write(&writer)
    writer.endMessage(value)
    return writer.bytes
  }

  private func meets(_ wanted: String, _ write: (inout ProtobufWriter) -> Void) throws -> Bool {
    let bytes = attribute("k", write)
    var matches: UInt64 = 0
    let conditions = TagConditions([("k2", wanted), ("k", wanted), ("other", wanted)])
    try conditions.note(bytes.span, at: 0..<bytes.count, in: &matches)
    #expect(matches == 0 || matches == 2)
    return matches == 2
  }

  @Test func `compare values as they are shown`() throws {
    #expect(try meets("x") { $0.stringField(1, "x") })
    #expect(try !meets("x") { $0.stringField(1, "xy") })
    #expect(try meets("true") { $0.varintField(2, 1) })
    #expect(try !meets("true") { $0.varintField(2, 0) })
    #expect(try meets("-5") { $0.varintField(3, UInt64(bitPattern: -5)) })
    #expect(try !meets("5.0") { $0.varintField(3, 5) })
    #expect(try meets("0.5") { $0.fixed64Field(4, (0.5).bitPattern) })
    #expect(try meets("5e-1") { $0.fixed64Field(4, (0.5).bitPattern) })
    #expect(try meets("NaN") { $0.fixed64Field(4, Double.nan.bitPattern) })
    #expect(try meets("AAE=") { $0.bytesField(7, [UInt8]([0, 1]).span) })
    #expect(try meets("") { _ in })
    #expect(try meets("5") { $0.stringField(1, "5") })
  }

  @Test(
    arguments: [
      ("k", "value", true), ("missing", "value", false), ("k", "absent", false),
      // What is made of numbers or of something else stands nowhere as a text.
      ("k", "12", true), ("k", "true", true), ("k", "AAE=", true), ("k", "[1]", true), ("span.kind", "server", true),
      ("error", "true", true), ("otel.status_code", "ERROR", true), ("event", "absent", false), ("k", "", true),
    ])
  func `pass over bytes only where nothing can match`(key: String, value: String, expected: Bool) {
    let bytes = attribute("k") { $0.stringField(1, "value") }
    #expect(TagConditions([(key, value)]).canBeMet(in: bytes.span) == expected)
  }
}
