/// What the store indexes of one span; everything else stays in the span's bytes.
///
/// A plain value without references, so that a batch of them is one allocation.
package struct SpanFacts: Sendable {
  /// The trace that the span belongs to.
  package var traceID: TraceID
  /// The span's own id.
  package var spanID: SpanID
  /// The parent's id; zero for a root.
  package var parentID: SpanID
  /// Nanoseconds since 1970; 0 = unknown.
  package var startTime: UInt64
  /// Nanoseconds since 1970; 0 = unknown.
  ///
  /// May lie before the start.
  package var endTime: UInt64
  /// `SpanKind`; numbers that the specification does not know are kept.
  package var kind: Int32
  /// `StatusCode`; numbers that the specification does not know are kept.
  package var statusCode: Int32
  /// `gen_ai.usage.input_tokens`; -1 = not given.
  package var inputTokens: Int64
  /// `gen_ai.usage.output_tokens`; -1 = not given.
  package var outputTokens: Int64
  /// `agentlightning.span_sequence_id`; -1 = not given.
  package var sequence: Int64
  /// Where the `Span` message starts in the bytes of its segment; its length stands in the varint before.
  package var offset: Int32
  /// The length of the `Span` message.
  package var length: Int32
  /// Where the name lies in the bytes of its segment.
  package var nameOffset: Int32
  /// How much of the name is indexed: at most ``maximumNameLength``.
  package var nameLength: Int32
  /// The key of as much of the name.
  package var nameKey: NameKey
  /// Index into `SpanBatch.tags`.
  package var tag: Int32
  /// Index into `SpanBatch.contexts`.
  package var context: Int32

  /// Bytes of a name that the index keeps; the whole name is in the log.
  package static let maximumNameLength = 256

  /// A name of at least this length may have been cut: up to three bytes of a character fall away.
  package static let shortestCutName = maximumNameLength - 3

  package init(traceID: TraceID, spanID: SpanID) {
    self.traceID = traceID
    self.spanID = spanID
    parentID = SpanID(value: 0)
    startTime = 0
    endTime = 0
    kind = 0
    statusCode = 0
    inputTokens = -1
    outputTokens = -1
    sequence = -1
    offset = 0
    length = 0
    nameOffset = 0
    nameLength = 0
    nameKey = .empty
    tag = 0
    context = 0
  }
}
