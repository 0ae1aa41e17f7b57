/// One choice of an answer while it comes.
struct ChoiceDraft {
  let index: Int64
  var finishReason: String?
  /// In the order in which they began.
  var parts: [PartDraft] = []
  var logprobs: [UInt8]?
  var tokenIDs: [Int64]?

  init(index: Int64) { self.index = index }

  func finished(_ emptyArguments: String) -> Choice {
    var choice = Choice(index: index)
    choice.finishReason = finishReason
    // Stable, so that parts of one key keep their order.
    let ordered = parts.enumerated().sorted { ($0.element.key, $0.offset) < ($1.element.key, $1.offset) }
    choice.parts = ordered.map { $0.element.finished(emptyArguments) }
    choice.logprobs = logprobs.map { String(decoding: $0, as: UTF8.self) }
    choice.tokenIDs = tokenIDs
    return choice
  }
}

/// One part of a choice while it comes.
struct PartDraft {
  /// Where a part stands among the others.
  struct Key: Hashable, Comparable {
    var major: Int64
    var minor: Int64 = 0

    static func < (left: Key, right: Key) -> Bool { (left.major, left.minor) < (right.major, right.minor) }
  }

  enum Kind: Hashable { case text, refusal, reasoning, toolCall, serverToolCall, serverToolResponse, other }

  let key: Key
  let kind: Kind
  /// The index by which the pieces of a call name it.
  let slot: Int64?
  /// UTF-8; of calls the arguments, of items of the provider's own their JSON.
  var text: [UInt8] = []
  var id: String?
  /// Of calls; of other items their type.
  var name: String?

  init(key: Key, kind: Kind, slot: Int64? = nil) {
    self.slot = slot
    self.key = key
    self.kind = kind
  }

  func finished(_ emptyArguments: String) -> MessagePart {
    let text = String(decoding: self.text, as: UTF8.self)
    return switch kind {
    case .text: .text(text)
    case .refusal: .refusal(text)
    case .reasoning: .reasoning(text)
    case .toolCall: .toolCall(ToolCall(id: id, name: name ?? "", arguments: text.isEmpty ? emptyArguments : text))
    case .serverToolCall: .serverToolCall(id: id, name: name ?? "", json: text)
    case .serverToolResponse: .serverToolResponse(id: id, json: text)
    case .other: .other(type: name ?? "unknown", json: text)
    }
  }
}
