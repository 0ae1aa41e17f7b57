import Glibc
import Telemetry
import Transport

/// The place of a call in its trace ([W3C Trace Context](https://www.w3.org/TR/trace-context/)).
struct CallTrace {
  var traceID: TraceID
  /// The span of the call.
  var spanID: SpanID
  /// The caller's span; `nil` when the call begins a trace.
  var parentID: SpanID?
  /// As it goes into the span and on to the provider; empty = none.
  var state = ""
  var flags: UInt8 = sampled
  /// The caller's context, when it was not trusted enough to go on with it.
  var link: (traceID: TraceID, spanID: SpanID)?

  private static let sampled: UInt8 = 1
  /// `sampled` and `random`; the other bits have no meaning yet, so they are 0.
  private static let knownFlags: UInt8 = 3

  /// - Parameter isTrusted: Whether the call may continue the caller's trace.
  init(_ headers: HTTPHeaders, isTrusted: Bool) {
    let random = RandomWords()
    spanID = random.spanID
    let fields = headers.all("traceparent")
    // Two are as good as none: nobody can tell which is meant.
    guard fields.count == 1, let parent = Self.parse(fields[0]) else {
      traceID = random.traceID
      return
    }
    guard isTrusted else {
      traceID = random.traceID
      link = (parent.traceID, parent.spanID)
      return
    }
    traceID = parent.traceID
    parentID = parent.spanID
    flags = parent.flags & Self.knownFlags
    state = TraceState.joined(headers.all("tracestate"))
  }

  /// The value of the `traceparent` that makes this call the parent.
  var header: String {
    let digits = String(flags, radix: 16)
    return "00-\(traceID)-\(spanID)-" + (digits.count == 1 ? "0" + digits : digits)
  }

  private static func parse(_ text: String) -> (traceID: TraceID, spanID: SpanID, flags: UInt8)? {
    let bytes = Array(text.utf8)
    guard bytes.count >= 55, let parent = TraceParent(text), isLowerHex(bytes[..<55]) else { return nil }
    // A later version may go on, behind another dash.
    guard bytes.count == 55 || bytes[55] == UInt8(ascii: "-") else { return nil }
    guard let flags = UInt8(String(decoding: bytes[53..<55], as: UTF8.self), radix: 16) else { return nil }
    return (parent.traceID, parent.spanID, flags)
  }

  private static func isLowerHex(_ bytes: ArraySlice<UInt8>) -> Bool {
    bytes.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "-"): true
      default: false
      }
    }
  }
}

/// The ids of a call, from one call of the kernel.
private struct RandomWords {
  private var words: InlineArray<3, UInt64> = [0, 0, 0]

  init() {
    // It fails only for more than 256 bytes, and where the kernel has no such call.
    if unsafe withUnsafeMutableBytes(of: &words, { unsafe getentropy($0.baseAddress!, $0.count) }) == 0 { return }
    for index in words.indices { words[index] = .random(in: 0 ... .max) }
  }

  // One bit is set, so that neither is ever the id of zeros.
  var traceID: TraceID { TraceID(high: words[0], low: words[1] | 1) }
  var spanID: SpanID { SpanID(value: words[2] | 1) }
}

extension SpanID {
  static func random() -> SpanID { SpanID(value: .random(in: 0 ... .max) | 1) }
}
