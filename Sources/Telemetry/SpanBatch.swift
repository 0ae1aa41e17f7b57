/// The spans of one request, decoded once: the facts that are indexed, and the bytes that hold everything.
package struct SpanBatch: Sendable {
  /// In the order of the message.
  package var spans: [SpanFacts]
  /// What the spans say about their rollout; `SpanFacts.tag` points here.
  package var tags: [RolloutTag]
  /// The resource and scope of spans; `SpanFacts.context` points here.
  package var contexts: [SpanContext]
  /// The bytes, in the order of the spans.
  package var segments: [SegmentDraft]
  /// Session keys of spans that name no rollout.
  package var sessions: [SpanSession]
  /// Links of spans that name no rollout.
  package var links: [SpanLink]

  package init() {
    spans = []
    tags = []
    contexts = []
    segments = []
    sessions = []
    links = []
  }

  /// The bytes that this batch holds while it waits, roughly.
  package var byteCount: Int {
    let facts =
      spans.count * MemoryLayout<SpanFacts>.stride + contexts.count * MemoryLayout<SpanContext>.stride
      + tags.count * MemoryLayout<RolloutTag>.stride + sessions.count * MemoryLayout<SpanSession>.stride
      + links.count * MemoryLayout<SpanLink>.stride
    return segments.reduce(facts) { $0 + $1.bytes.count + $1.compressed.count }
  }
}

/// Where the resource and the scope of some spans lie in the bytes of a request.
package struct SpanContext: Sendable {
  /// The `ResourceSpans` message.
  package var resourceSpans: Range<Int>
  /// The `ScopeSpans` message inside it.
  package var scopeSpans: Range<Int>
  /// The resource's `service.name`, when it is a string.
  package var service: String?

  package init(resourceSpans: Range<Int>, scopeSpans: Range<Int>, service: String?) {
    self.resourceSpans = resourceSpans
    self.scopeSpans = scopeSpans
    self.service = service
  }
}

/// Some spans of a batch as they go into the log: an `ExportTraceServiceRequest` message.
///
/// Such messages can be joined end to end, and are one valid message again.
package struct SegmentDraft: Sendable {
  /// The message.
  package var bytes: [UInt8]
  /// The message as a zstd frame; empty when the writer is to compress it together with others.
  package var compressed: [UInt8]
  /// Which spans of the batch it holds.
  package var spans: Range<Int>

  package init(bytes: [UInt8], compressed: [UInt8] = [], spans: Range<Int>) {
    self.bytes = bytes
    self.compressed = compressed
    self.spans = spans
  }
}

/// A session that a span names.
package struct SpanSession: Sendable {
  /// The attribute that names it; the numbers are stored.
  package enum Key: UInt8, Sendable {
    /// `session.id`
    case session = 1
    /// `gen_ai.conversation.id`
    case conversation = 2
    /// `openclaw.session_id`
    case openClawSession = 3
    /// `openclaw.sessionKey`
    case openClawSessionKey = 4

    /// The name of the attribute.
    package var attribute: String {
      switch self {
      case .session: "session.id"
      case .conversation: "gen_ai.conversation.id"
      case .openClawSession: "openclaw.session_id"
      case .openClawSessionKey: "openclaw.sessionKey"
      }
    }
  }

  /// Bytes of a session that attribution follows: as many as an id may have.
  package static let maximumLength = 1_024

  /// Index of the span in its batch.
  package var span: Int
  package var key: Key
  package var value: String

  package init(span: Int, key: Key, value: String) {
    self.span = span
    self.key = key
    self.value = value
  }
}

/// A span that another span links to.
package struct SpanLink: Sendable {
  /// Index of the linking span in its batch.
  package var span: Int
  package var traceID: TraceID
  package var spanID: SpanID

  package init(span: Int, traceID: TraceID, spanID: SpanID) {
    self.span = span
    self.traceID = traceID
    self.spanID = spanID
  }
}
