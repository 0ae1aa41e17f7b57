import OTLP
import Protobuf
import Telemetry
import TraceStore

/// The annotation by which Agent Lightning knows a reward, for one call of a session.
///
/// AGL store contract, section 16: it is linked to the call by the attributes `agentlightning.link.0.*`. It has none of
/// the names of calls, `gen_ai.response.id` among them: Agent Lightning's adapters would take it for one.
struct RewardSpan {
  static let name = "agentlightning.annotation"

  var reward: Double
  var interaction: Interaction
  var session: KeySession
  var sequence: Int64
  /// Nanoseconds since 1970.
  var time: Int64

  /// What the store takes.
  ///
  /// - Returns: `nil` when the scanner does not find the one span that was written, which cannot happen.
  var newSpan: NewSpan? {
    var generator = SystemRandomNumberGenerator()
    var draft = SpanDraft(
      traceID: interaction.traceID, spanID: SpanID(value: max(1, generator.next())), name: Self.name)
    // Beside the call, so that both have the same place in the tree of the agent.
    draft.parentID = interaction.parentID
    draft.startTime = UInt64(time)
    draft.endTime = UInt64(time)
    draft.attributes = [
      ("agentlightning.rollout_id", .text(session.rolloutID)),
      ("agentlightning.attempt_id", .text(session.attemptID)),
      ("agentlightning.span_sequence_id", .integer(sequence)),
      ("agentlightning.reward.0.name", .text("primary")),
      ("agentlightning.reward.0.value", .double(reward)),
      ("agentlightning.link.0.key_match", .text(InteractionAttributes.responseID)),
      ("agentlightning.link.0.value_match", .text(interaction.id)),
    ]
    draft.links = [(interaction.traceID, interaction.spanID)]
    guard let batch = draft.batch else { return nil }
    return NewSpan(
      rolloutID: session.rolloutID, attemptID: session.attemptID, sequence: sequence,
      traceID: draft.traceID.description, spanID: draft.spanID.description,
      parentID: draft.parentID?.description, batch: batch)
  }
}

/// A span that is to be stored.
struct SpanDraft {
  enum Value {
    case text(String)
    case integer(Int64)
    case double(Double)
  }

  private static let scopeName = "fulgurite.sessions"

  var traceID: TraceID
  var spanID: SpanID
  var parentID: SpanID?
  var name: String
  /// `SPAN_KIND_INTERNAL`.
  var kind: UInt64 = 1
  var statusCode: UInt64 = 0
  var startTime: UInt64 = 0
  var endTime: UInt64 = 0
  var attributes: [(key: String, value: Value)] = []
  var links: [(traceID: TraceID, spanID: SpanID)] = []

  init(traceID: TraceID, spanID: SpanID, name: String) {
    self.traceID = traceID
    self.spanID = spanID
    self.name = name
  }

  /// The span alone, as the store takes it.
  var batch: SpanBatch? {
    let request = request
    var scanner = RequestScanner()
    guard (try? scanner.step(request.span)) == true, scanner.isClean, scanner.batch.spans.count == 1 else { return nil }
    var batch = scanner.batch
    SegmentSplitter.split(request, &batch)
    return batch
  }

  /// An `ExportTraceServiceRequest` with this one span.
  private var request: [UInt8] {
    var writer = ProtobufWriter(reservingCapacity: 512)
    let resourceSpans = writer.beginMessage(1)
    let scopeSpans = writer.beginMessage(2)
    let scope = writer.beginMessage(1)
    writer.stringField(1, Self.scopeName)
    writer.endMessage(scope)
    let span = writer.beginMessage(2)
    write(to: &writer)
    writer.endMessage(span)
    writer.endMessage(scopeSpans)
    writer.endMessage(resourceSpans)
    return writer.bytes
  }

  private func write(to writer: inout ProtobufWriter) {
    Self.traceID(1, traceID, to: &writer)
    Self.spanID(2, spanID, to: &writer)
    if let parentID { Self.spanID(4, parentID, to: &writer) }
    writer.stringField(5, name)
    writer.varintField(6, kind)
    writer.fixed64Field(7, startTime)
    writer.fixed64Field(8, endTime)
    for attribute in attributes { Self.attribute(attribute.key, attribute.value, to: &writer) }
    for link in links {
      let message = writer.beginMessage(13)
      Self.traceID(1, link.traceID, to: &writer)
      Self.spanID(2, link.spanID, to: &writer)
      writer.endMessage(message)
    }
    guard statusCode != 0 else { return }
    let status = writer.beginMessage(15)
    writer.varintField(3, statusCode)
    writer.endMessage(status)
  }

  private static func attribute(_ key: String, _ value: Value, to writer: inout ProtobufWriter) {
    let attribute = writer.beginMessage(9)
    writer.stringField(1, key)
    let content = writer.beginMessage(2)
    switch value {
    case .text(let text): writer.stringField(1, text)
    case .integer(let number): writer.varintField(3, UInt64(bitPattern: number))
    case .double(let number): writer.fixed64Field(4, number.bitPattern)
    }
    writer.endMessage(content)
    writer.endMessage(attribute)
  }

  private static func traceID(_ field: UInt32, _ id: TraceID, to writer: inout ProtobufWriter) {
    writer.bytesField(field, (bytes(id.high) + bytes(id.low)).span)
  }

  private static func spanID(_ field: UInt32, _ id: SpanID, to writer: inout ProtobufWriter) {
    writer.bytesField(field, bytes(id.value).span)
  }

  private static func bytes(_ value: UInt64) -> [UInt8] {
    stride(from: UInt64(56), through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> $0) }
  }
}
