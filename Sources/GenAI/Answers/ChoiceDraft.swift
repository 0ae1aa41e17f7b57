import JSON

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

  /// The choice with items whose input came in pieces whole.
  func completed(_ blobBytes: Int) -> ChoiceDraft {
    var choice = self
    for index in parts.indices where !parts[index].input.isEmpty { choice.parts[index].complete(blobBytes) }
    return choice
  }

  /// Forgets what spells out the text.
  mutating func removeTokens() { (logprobs, tokenIDs) = (nil, nil) }

  /// Leaves out what pointers would name, had the answer come at once.
  ///
  /// - Parameter place: Where the choice would stand.
  mutating func redact(
    _ redaction: Redaction, _ layout: AnswerLayout, at place: AnswerPlace,
    _ places: (PartDraft, _ callPosition: Int) -> PartPlaces
  ) {
    finishReason = redaction.redacted(finishReason, at: layout.roots.map { $0 + place + layout.finishReason })
    let logprobPlaces = layout.roots.map { $0 + place + layout.logprobs } + layout.logprobsOfPieces
    if redaction.effect(at: logprobPlaces) != .none { logprobs = nil }
    if redaction.effect(at: VLLMTokens.places(below: place)) != .none { tokenIDs = nil }
    let calls = parts.filter { $0.kind == .toolCall }.map(\.key).sorted()
    var changed = false
    for index in parts.indices.reversed() {
      let callPosition = calls.firstIndex(of: parts[index].key) ?? 0
      let partPlaces = places(parts[index], callPosition).below(place)
      let isKept = parts[index].redact(redaction, partPlaces, &changed)
      if !isKept { parts.remove(at: index) }
    }
    if changed { removeTokens() }
  }
}

/// One part of a choice while it comes.
struct PartDraft: Hashable {
  /// Where a part stands among the others.
  struct Key: Hashable, Comparable {
    var major: Int64
    var minor: Int64 = 0
    /// Tells apart what stands at one place.
    var occurrence = 0

    static func < (left: Key, right: Key) -> Bool {
      (left.major, left.minor, left.occurrence) < (right.major, right.minor, right.occurrence)
    }
  }

  enum Kind: Hashable { case text, refusal, reasoning, toolCall, serverToolCall, serverToolResponse, media, other }

  let key: Key
  let kind: Kind
  /// UTF-8; of calls the arguments, of items of the provider's own their JSON.
  var text: [UInt8] = []
  /// What has come in pieces of the member `input` of an item: JSON, once it is whole.
  var input: [UInt8] = []
  var media: Media?
  var id: String?
  /// Of calls; of other items their type.
  var name: String?

  init(key: Key, kind: Kind) {
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
    case .media: media.map(MessagePart.media) ?? .text("")
    case .other: .other(type: name ?? "unknown", json: text)
    }
  }
}

extension PartDraft {
  /// Puts the input that came in pieces in its place in the item, as a string if it is no JSON.
  fileprivate mutating func complete(_ blobBytes: Int) {
    let json = inputJSON(blobBytes)
    input = []
    guard let item = try? JSONDocument(parsing: text), item.kind(JSONDocument.root) == .object,
      let place = item.member(JSONDocument.root, "input")
    else { return }
    text.replaceSubrange(item.text(place), with: json)
  }

  private func inputJSON(_ blobBytes: Int) -> [UInt8] {
    if let document = try? JSONDocument(parsing: input) {
      return document.json(JSONDocument.root, blobsUpTo: blobBytes)
    }
    var writer = JSONWriter()
    writer.string(String(decoding: input, as: UTF8.self))
    return writer.bytes
  }

  /// Leaves out what pointers name.
  ///
  /// - Parameter changed: Becomes true when something was left out.
  /// - Returns: Whether something is left of the part.
  fileprivate mutating func redact(_ redaction: Redaction, _ places: PartPlaces, _ changed: inout Bool) -> Bool {
    let names = (redaction.redacted(id, at: places.id), redaction.redacted(name, at: places.name))
    if names != (id, name) {
      (id, name) = names
      changed = true
    }
    switch redaction.effect(at: places.text) {
    case .none: return true
    case .replaced where kind.isText || kind == .toolCall:
      guard !text.isEmpty || places.isJSON else { return true }
      text = Array((places.isJSON ? "\"\(Redaction.replacement)\"" : Redaction.replacement).utf8)
      changed = true
      return true
    case .replaced where kind == .media:
      media?.source = .blob(Redaction.replacement)
      changed = true
      return true
    // In the place of an item there is a string then.
    case .replaced, .removed:
      changed = true
      return false
    case .inside where kind.isText:
      // Text may come as an array of texts, and which of them has come is not known any more.
      text = Array(Redaction.replacement.utf8)
      changed = true
      return true
    case .inside(let pointers):
      guard !text.isEmpty else { return true }
      changed = Redaction.redact(json: &text, pointers) || changed
      return true
    }
  }
}

extension PartDraft.Kind {
  /// Whether the text of such a part is a text, and no JSON.
  fileprivate var isText: Bool { self == .text || self == .refusal || self == .reasoning }
}
