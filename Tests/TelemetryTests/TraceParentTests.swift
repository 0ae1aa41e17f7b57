import Telemetry
import Testing

@Suite struct `A traceparent header` {
  private static let trace = "0af7651916cd43dd8448eb211c80319c"
  private static let span = "b7ad6b7169203331"

  @Test(
    arguments: [
      "00-\(trace)-\(span)-01", "00-\(trace)-\(span)-00", "00-\(trace)-\(span)-ff",
      // Of a later version only these four fields are known.
      "01-\(trace)-\(span)-01", "cc-\(trace)-\(span)-01-what-the-future-will-be-like", "fe-\(trace)-\(span)-01-",
    ])
  func `names a trace and one of its spans`(text: String) throws {
    let parent = try #require(TraceParent(text))
    #expect(parent.traceID.description == Self.trace)
    #expect(parent.spanID.description == Self.span)
  }

  @Test(
    arguments: [
      "", "00", "-", "---", "00-\(trace)-\(span)", "00-\(trace)-\(span)-", "00-\(trace)-\(span)-1",
      "00-\(trace)-\(span)-011", "00-\(trace)-\(span)-0x", "00-\(trace)-\(span)-01-", "00-\(trace)-\(span)-01-extra",
      "ff-\(trace)-\(span)-01", "FF-\(trace)-\(span)-01", "0-\(trace)-\(span)-01", "000-\(trace)-\(span)-01",
      "zz-\(trace)-\(span)-01", "00-\(trace.dropLast())-\(span)-01", "00-\(trace)0-\(span)-01",
      "00-\(trace)-\(span.dropLast())-01", "00-\(trace)-\(span)0-01", "00-\(trace.dropLast())g-\(span)-01",
      "00-\(trace)-\(span.dropLast())g-01", "00-00000000000000000000000000000000-\(span)-01",
      "00-\(trace)-0000000000000000-01", "00_\(trace)_\(span)_01", " 00-\(trace)-\(span)-01", "00-\(trace)-\(span)-01 ",
      "00--\(trace)-\(span)-01", "\u{FF10}0-\(trace)-\(span)-01",
    ])
  func `of any other form names none`(text: String) {
    #expect(TraceParent(text) == nil)
  }
}
