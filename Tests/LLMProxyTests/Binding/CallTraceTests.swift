import Telemetry
import Testing
import Transport

@testable import LLMProxy

@Suite struct CallTraceTests {
  private static let trace = "0af7651916cd43dd8448eb211c80319c"
  private static let parent = "b7ad6b7169203331"
  private static let valid = "00-\(trace)-\(parent)-01"

  @Test func continuesATrustedTrace() {
    let trace = CallTrace(["traceparent": Self.valid, "tracestate": "a=1", "tracestate": "b=2"], isTrusted: true)
    #expect(trace.traceID.description == Self.trace)
    #expect(trace.parentID?.description == Self.parent)
    #expect(trace.state == "a=1,b=2")
    #expect(trace.flags == 1)
    #expect(trace.spanID != trace.parentID)
    #expect(trace.header == "00-\(Self.trace)-\(trace.spanID)-01")
  }

  @Test func linksToATraceThatIsNotTrusted() {
    let trace = CallTrace(["traceparent": Self.valid, "tracestate": "a=1"], isTrusted: false)
    #expect(trace.traceID.description != Self.trace)
    #expect(trace.parentID == nil)
    #expect(trace.state.isEmpty)
    #expect(trace.link?.traceID.description == Self.trace)
    #expect(trace.link?.spanID.description == Self.parent)
  }

  @Test(arguments: [
    "", "00", "00-\(trace)-\(parent)", "00-\(trace)-\(parent)-01-more", "00-\(trace.uppercased())-\(parent)-01",
    "ff-\(trace)-\(parent)-01", "00-00000000000000000000000000000000-\(parent)-01",
    "00-\(trace)-0000000000000000-01", "00-\(trace)-\(parent)-0", "00-\(trace)-\(parent)-0g",
    "0-\(trace)-\(parent)-01", "01-\(trace)-\(parent)-01.x", " \(valid)",
  ])
  func beginsATraceWithoutAValidOne(_ text: String) {
    let trace = CallTrace(["traceparent": text, "tracestate": "a=1"], isTrusted: true)
    #expect(trace.traceID.description != Self.trace)
    #expect(trace.parentID == nil)
    #expect(trace.state.isEmpty)
    #expect(trace.link == nil)
  }

  @Test func readsTheKnownPartOfALaterVersion() {
    for text in ["01-\(Self.trace)-\(Self.parent)-01", "cc-\(Self.trace)-\(Self.parent)-01-what-follows"] {
      #expect(CallTrace(["traceparent": text], isTrusted: true).traceID.description == Self.trace, "\(text)")
    }
  }

  @Test func believesNoneOfTwo() {
    let trace = CallTrace(["traceparent": Self.valid, "traceparent": Self.valid], isTrusted: true)
    #expect(trace.traceID.description != Self.trace)
  }

  @Test func keepsKnownFlagsAlone() {
    #expect(CallTrace(["traceparent": "00-\(Self.trace)-\(Self.parent)-ff"], isTrusted: true).flags == 3)
    #expect(CallTrace(["traceparent": "00-\(Self.trace)-\(Self.parent)-00"], isTrusted: true).flags == 0)
  }

  @Test func dropsWholeMembersOfALongState() {
    let long = "long=" + String(repeating: "x", count: 200)
    let short = (0..<20).map { "k\($0)=" + String(repeating: "y", count: 20) }
    let state = TraceState.joined([([long] + short).joined(separator: ",")])
    #expect(state.utf8.count <= 512)
    #expect(!state.contains("long="))
    #expect(state.hasPrefix("k0="))
    #expect(state.split(separator: ",").allSatisfy { $0.count >= 23 })
  }

  @Test func dropsAStateThatIsNone() {
    #expect(TraceState.joined(["no member"]).isEmpty)
    #expect(TraceState.joined([(0..<33).map { "k\($0)=1" }.joined(separator: ",")]).isEmpty)
    #expect(TraceState.joined([" a=1 , ,b=2\t"]) == "a=1,b=2")
  }
}
