import OTLP
import Protobuf

/// What the contents of one span show to those who train with it.
struct SpanTraits {
  var isLLM = false
  private var hasPromptIDs = false
  private var hasResponseIDs = false
  var hasLogProbabilities = false
  /// AGL store contract, section 16: the first reward of a span is the one that counts.
  var reward: Double?
  /// What the span says it does.
  private var operation: String?

  /// Whether Agent Lightning's adapter for proxies looks at it, which goes by the sequence numbers.
  private(set) var isOfProxy = false

  /// Agent Lightning's adapters take a call only when both are there.
  var hasTokenIDs: Bool { hasPromptIDs && hasResponseIDs }

  /// Names under which Agent Lightning's proxy records calls, and a part of that of its tracers.
  private static let exactNames: Set<String> = ["raw_gen_ai_request", "litellm_request"]
  private static let namePart = "openai.chat.completion"

  /// What only a call has.
  private static let callPrefixes = [
    "gen_ai.request.", "gen_ai.response.", "gen_ai.prompt.", "gen_ai.completion.", "gen_ai.usage.",
    "gen_ai.input.messages", "gen_ai.output.messages",
  ]

  /// Agents and tools have attributes of calls as well, and say that they are none.
  /// [Operations](https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/)
  private static let calls: Set<String> = ["chat", "text_completion", "generate_content"]

  /// - Parameter range: Where the span lies.
  init(_ bytes: Span<UInt8>, at range: Range<Int>, name: String) throws(ProtobufError) {
    let extent = try SpanFields(bytes, at: range).attributes.extent
    var reader = ProtobufReader(bytes, at: extent)
    while let attribute = try reader.nextOccurrence(of: 9) {
      let fields = try KeyValueFields(bytes, at: attribute)
      guard let value = fields.value else { continue }
      try read(bytes, Self.text(bytes, fields.key), value)
    }
    isOfProxy = Self.exactNames.contains(name)
    let hasName = isOfProxy || name.contains(Self.namePart)
    isLLM = operation.map { Self.calls.contains($0) } ?? isLLM || hasName
  }

  /// Adds what another span of the same call shows.
  mutating func merge(_ other: SpanTraits) {
    hasPromptIDs = hasPromptIDs || other.hasPromptIDs
    hasResponseIDs = hasResponseIDs || other.hasResponseIDs
    hasLogProbabilities = hasLogProbabilities || other.hasLogProbabilities
  }

  private mutating func read(_ bytes: Span<UInt8>, _ key: String, _ parts: MessageParts) throws(ProtobufError) {
    if Self.callPrefixes.contains(where: key.hasPrefix) { isLLM = true }
    // Most attributes are of no interest, and their values are not looked at.
    switch key {
    case "gen_ai.operation.name":
      if case .string(let range) = try AnyValueFields(bytes, at: parts) { operation = Self.text(bytes, range) }
    case "agentlightning.reward.0.value":
      switch try AnyValueFields(bytes, at: parts) {
      case .double(let value): reward = value
      case .int(let value): reward = Double(value)
      default: break
      }
    case "llm.hosted_vllm.choices":
      guard case .string(let range) = try AnyValueFields(bytes, at: parts) else { break }
      let literal = ChoicesLiteral(Self.text(bytes, range))
      if literal.has("token_ids") { hasResponseIDs = true }
      if literal.has("logprobs") { hasLogProbabilities = true }
    default:
      let words = key.split(separator: ".")
      if words.contains("logprobs"), try Self.isFilled(bytes, parts) { hasLogProbabilities = true }
      if words.last == "prompt_token_ids", try Self.isFilled(bytes, parts) { hasPromptIDs = true }
      if words.last == "response_token_ids", try Self.isFilled(bytes, parts) { hasResponseIDs = true }
    }
  }

  /// Whether a list holds something, also one that is written as text.
  private static func isFilled(_ bytes: Span<UInt8>, _ parts: MessageParts) throws(ProtobufError) -> Bool {
    switch try AnyValueFields(bytes, at: parts) {
    case .array(let parts), .keyValueList(let parts): parts.byteCount > 0
    case .string(let range): !["", "[]", "{}", "None", "null"].contains(text(bytes, range))
    case .empty, .bool, .int, .double, .bytes: false
    }
  }

  private static func text(_ bytes: Span<UInt8>, _ range: Range<Int>) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(range.count)
    for index in range { text.append(bytes[index]) }
    return String(decoding: text, as: UTF8.self)
  }
}

/// The choices of an answer as LiteLLM writes them down: a Python literal, or JSON.
struct ChoicesLiteral {
  private let text: [UInt8]

  init(_ text: String) { self.text = Array(text.utf8) }

  /// Whether a member of this name has a list or an object that is not empty.
  func has(_ name: String) -> Bool {
    let name = Array(name.utf8)
    var start = 0
    while start + name.count < text.count {
      if text[start...].starts(with: name), isFilled(behind: start + name.count) { return true }
      start += 1
    }
    return false
  }

  /// Looks at what follows a name: a quotation mark, a colon, the value.
  private func isFilled(behind end: Int) -> Bool {
    let rest = text[end...].lazy.filter { $0 != UInt8(ascii: " ") }.prefix(4)
    let characters = Array(rest)
    guard characters.count == 4, [UInt8(ascii: "'"), UInt8(ascii: "\"")].contains(characters[0]),
      characters[1] == UInt8(ascii: ":")
    else { return false }
    return switch characters[2] {
    case UInt8(ascii: "["): characters[3] != UInt8(ascii: "]")
    case UInt8(ascii: "{"): characters[3] != UInt8(ascii: "}")
    default: false
    }
  }
}
