import Protobuf

/// Counts the spans of an `ExportTraceServiceRequest` that this program has written.
enum SpanCount {
  static func count(_ request: Span<UInt8>) -> Int {
    var count = 0
    each(request, field: 1) { resourceSpans in
      each(resourceSpans, field: 2) { scopeSpans in
        each(scopeSpans, field: 2) { _ in count += 1 }
      }
    }
    return count
  }

  private static func each(_ message: Span<UInt8>, field: UInt32, _ body: (Span<UInt8>) -> Void) {
    var reader = ProtobufReader(message)
    do throws(ProtobufError) {
      while let tag = try reader.nextTag() {
        if tag == .lengthDelimited(field) {
          body(message.extracting(try reader.lengthDelimited()))
        } else {
          try reader.skip(tag)
        }
      }
    } catch {
      return
    }
  }
}
