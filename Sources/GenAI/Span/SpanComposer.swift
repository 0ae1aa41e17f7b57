import Protobuf
package import Telemetry

/// Makes the spans of an exchange.
///
/// [GenAI client spans](https://github.com/open-telemetry/semantic-conventions-genai), and for Agent Lightning the tree that its
/// adapters read.
package struct SpanComposer: Sendable {
  /// The schema that the names of the attributes follow.
  package static let schemaURL = "https://opentelemetry.io/schemas/gen-ai/1.42.0"
  package static let scopeName = "fulgurite.llm_proxy"
  package static let serviceName = "fulgurite"

  private let profile: SpanProfile
  private let version: String

  /// Prepares.
  ///
  /// - Parameter version: The version of the instrumentation scope.
  package init(profile: SpanProfile, version: String) {
    self.profile = profile
    self.version = version
  }

  /// Writes an `ExportTraceServiceRequest` with the spans of one exchange, the outermost one first.
  ///
  /// - Parameters:
  ///   - level: Whether what was said is in it; `none` gives what `metadata` gives.
  ///   - newSpanID: Gives the ids of the spans inside the outermost one.
  package func compose(
    _ exchange: Exchange, _ context: CallContext, level: RecordingOptions.Level, newSpanID: () -> SpanID
  ) -> [UInt8] {
    var writer = SpanWriter(reservingCapacity: 4096)
    let resourceSpans = writer.beginMessage(1)
    resource(&writer)
    let scopeSpans = writer.beginMessage(2)
    let scope = writer.beginMessage(1)
    writer.string(1, Self.scopeName)
    writer.string(2, version)
    writer.endMessage(scope)
    let composition = SpanComposition(exchange: exchange, context: context, hasContent: level == .content)
    switch profile {
    case .genai: composition.writeClientSpan(&writer)
    case .agl: composition.writeTree(&writer, newSpanID)
    }
    writer.string(3, Self.schemaURL)
    writer.endMessage(scopeSpans)
    writer.endMessage(resourceSpans)
    return writer.attributes.writer.bytes
  }

  private func resource(_ writer: inout SpanWriter) {
    let resource = writer.beginMessage(1)
    var attributes = AttributeWriter(writer: ProtobufWriter(), field: 1)
    attributes.text("service.name", Self.serviceName)
    let bytes = attributes.writer.bytes
    writer.attributes.writer.append(bytes.span)
    writer.endMessage(resource)
  }
}

/// One exchange on its way into spans.
struct SpanComposition {
  let exchange: Exchange
  let context: CallContext
  /// Whether what was said goes into the spans.
  let hasContent: Bool

  /// The value of `gen_ai.operation.name`.
  var operation: String {
    switch exchange.api {
    case .chatCompletions, .responses, .messages: "chat"
    case .completions: "text_completion"
    case .embeddings: "embeddings"
    case .generateContent: "generate_content"
    }
  }

  /// Never before the start: clocks can be set back.
  var endTime: Int64 { max(context.startTime, context.endTime) }

  var errorType: String? { exchange.errorType }

  /// The longest description of a status, in characters.
  private static let descriptionLength = 256

  /// Writes the link and the status, behind the attributes.
  func writeOutcome(_ writer: inout SpanWriter) {
    if let link = context.link { writer.link(link) }
    guard let errorType else { return }
    // The provider's message can quote what was said.
    let message = hasContent ? exchange.answer.error?.message : nil
    writer.failure(String((message ?? errorType).prefix(Self.descriptionLength)))
  }
}
