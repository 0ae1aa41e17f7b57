package import Telemetry

/// What the proxy knows about a call besides the bytes.
package struct CallContext: Sendable {
  /// An attribute that the proxy adds.
  package enum Value: Sendable, Hashable {
    case text(String)
    case integer(Int64)
  }

  package var traceID: TraceID
  package var spanID: SpanID
  /// The caller's span; `nil` when the call begins a trace.
  package var parentID: SpanID?
  /// The `tracestate` header, as it goes into the span; empty = none.
  package var traceState = ""
  /// The flags of the `traceparent` header.
  package var traceFlags: UInt8 = 1
  /// Foreign trace and span that the caller sent but is not trusted with; becomes a link.
  package var link: (traceID: TraceID, spanID: SpanID)?
  /// The value of `gen_ai.provider.name`.
  package var provider: String
  package var serverAddress: String
  package var serverPort: Int
  /// Nanoseconds since 1970.
  package var startTime: Int64
  /// Nanoseconds since 1970.
  package var endTime: Int64
  /// When the first bytes of the answer's body came; nanoseconds since 1970.
  package var firstByteTime: Int64?
  /// How often the proxy sent the request again.
  package var resendCount = 0
  /// Attributes that the proxy adds: sessions, baggage, conflicts.
  package var attributes: [(key: String, value: Value)] = []

  package init(
    traceID: TraceID, spanID: SpanID, provider: String, serverAddress: String, serverPort: Int, startTime: Int64,
    endTime: Int64
  ) {
    self.traceID = traceID
    self.spanID = spanID
    self.provider = provider
    self.serverAddress = serverAddress
    self.serverPort = serverPort
    self.startTime = startTime
    self.endTime = endTime
  }
}
