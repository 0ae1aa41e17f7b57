import Glibc
import JSON
import OTLP
import Protobuf
import Testing

@Suite struct `The deepest values` {
  @Test func `fit on a small stack in every codec`() throws {
    let deep = request([
      message {
        $0.bytesField(1, [UInt8](1...16))
        $0.bytesField(2, [UInt8](1...8))
        $0.bytesField(9, attribute("a", nested(100)))
      }
    ])
    var writer = JSONWriter()
    try OTLPJSONWriter.appendRequest(deep.span, to: &writer)
    let json = writer.bytes
    let succeeded = onSmallStack {
      var writer = JSONWriter()
      guard (try? OTLPJSONWriter.appendRequest(deep.span, to: &writer)) != nil,
        let protobuf = try? OTLPJSONDecoder.transcode(json.span),
        let repaired = try? OTLPRepair.rewrite(request: protobuf.span)
      else { return false }
      var again = JSONWriter()
      guard (try? OTLPJSONWriter.appendRequest(repaired.bytes.span, to: &again)) != nil else { return false }
      let nothing: [UInt8] = []
      let span = message { $0.bytesField(9, attribute("a", nested(100))) }
      let canonical = try? CanonicalSpan.bytes(
        resourceSpans: nothing.span, scopeSpans: nothing.span, span: span.span)
      return again.bytes == json && canonical != nil
    }
    #expect(succeeded)
  }
}

#if DEBUG
  // Without optimization, frames are about four times as large.
  private let stackSize = 2048 * 1024
#else
  // The least that a thread of the program may have.
  private let stackSize = 512 * 1024
#endif

/// Runs a closure on a thread with a small stack.
private func onSmallStack(_ body: @escaping @Sendable () -> Bool) -> Bool {
  final class Task: Sendable {
    let body: @Sendable () -> Bool
    init(_ body: @escaping @Sendable () -> Bool) { self.body = body }
  }
  var attributes = pthread_attr_t()
  unsafe pthread_attr_init(&attributes)
  unsafe pthread_attr_setstacksize(&attributes, stackSize)
  defer { unsafe pthread_attr_destroy(&attributes) }
  var thread = pthread_t()
  let task = unsafe Unmanaged.passRetained(Task(body))
  let code = unsafe pthread_create(
    &thread, &attributes,
    { context in
      let task = unsafe Unmanaged<Task>.fromOpaque(context!).takeRetainedValue()
      return task.body() ? unsafe UnsafeMutableRawPointer(bitPattern: 1) : nil
    }, task.toOpaque())
  guard code == 0 else { return false }
  var result: UnsafeMutableRawPointer?
  unsafe pthread_join(thread, &result)
  return unsafe result != nil
}
