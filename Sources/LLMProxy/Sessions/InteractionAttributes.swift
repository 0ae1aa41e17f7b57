import JSON
import OTLP
import Protobuf

/// What the attributes of one span say about a call or a reward.
struct InteractionAttributes {
  static let responseID = "gen_ai.response.id"

  /// The value of `gen_ai.operation.name`.
  private(set) var operation: String?
  private(set) var responseID: String?
  private(set) var reward: Double?
  private(set) var input: String?
  private(set) var output: String?
  private(set) var instructions: String?
  /// Whether it has something that only calls have.
  private(set) var hasOutput = false
  /// The values of `agentlightning.link.N.key_match` by N, and of `.value_match`.
  private var linkKeys: [String: String] = [:]
  private var linkValues: [String: String] = [:]
  /// Attributes such as `gen_ai.prompt.0.role` and `gen_ai.completion.0.content`, as Agent Lightning writes messages.
  private(set) var flat: [String: String] = [:]

  /// Operations that are calls of a model with messages.
  /// [Operations](https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/)
  private static let calls: Set<String> = ["chat", "text_completion", "generate_content"]

  /// - Parameters:
  ///   - range: Where the `Span` message lies.
  ///   - withMessages: Whether what was said is wanted.
  init(_ bytes: Span<UInt8>, at range: Range<Int>, withMessages: Bool) throws(ProtobufError) {
    let extent = try SpanFields(bytes, at: range).attributes.extent
    var reader = ProtobufReader(bytes, at: extent)
    while let attribute = try reader.nextOccurrence(of: 9) {
      let fields = try KeyValueFields(bytes, at: attribute)
      guard let value = fields.value else { continue }
      try read(bytes, Self.text(bytes, fields.key), value, withMessages)
    }
  }

  private mutating func read(_ bytes: Span<UInt8>, _ key: String, _ parts: MessageParts, _ withMessages: Bool)
    throws(ProtobufError)
  {
    switch key {
    case "gen_ai.operation.name": operation = try Self.string(bytes, parts)
    case Self.responseID: responseID = try Self.string(bytes, parts)
    case "agentlightning.reward.0.value":
      switch try AnyValueFields(bytes, at: parts) {
      case .double(let value): reward = value
      case .int(let value): reward = Double(value)
      default: break
      }
    case "gen_ai.output.messages":
      hasOutput = true
      if withMessages { output = try Self.string(bytes, parts) }
    case "gen_ai.input.messages": if withMessages { input = try Self.string(bytes, parts) }
    case "gen_ai.system_instructions": if withMessages { instructions = try Self.string(bytes, parts) }
    default: try readOther(bytes, key, parts, withMessages)
    }
  }

  private mutating func readOther(_ bytes: Span<UInt8>, _ key: String, _ parts: MessageParts, _ withMessages: Bool)
    throws(ProtobufError)
  {
    if key.hasPrefix("agentlightning.link.") {
      let name = key.dropFirst("agentlightning.link.".count)
      let number = String(name.prefix { $0 != "." })
      if name.hasSuffix(".key_match") { linkKeys[number] = try Self.string(bytes, parts) }
      if name.hasSuffix(".value_match") { linkValues[number] = try Self.string(bytes, parts) }
    } else if key.hasPrefix("gen_ai.completion.") || key.hasPrefix("gen_ai.prompt.") {
      if key.hasPrefix("gen_ai.completion.") { hasOutput = true }
      if withMessages { flat[key] = try Self.string(bytes, parts) }
    }
  }

  /// Whether the span is a call whose answer came.
  var isCall: Bool {
    if let operation { return Self.calls.contains(operation) && (responseID != nil || hasOutput) }
    return responseID != nil
  }

  /// The id of the answer that the span is linked to.
  var linkedResponseID: String? {
    linkKeys.first { $0.value == Self.responseID }.flatMap { linkValues[$0.key] }
  }

  private static func string(_ bytes: Span<UInt8>, _ parts: MessageParts) throws(ProtobufError) -> String? {
    guard case .string(let range) = try AnyValueFields(bytes, at: parts) else { return nil }
    return text(bytes, range)
  }

  private static func text(_ bytes: Span<UInt8>, _ range: Range<Int>) -> String {
    unsafe bytes.extracting(range).withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
  }
}
