import JSON

/// An answer while it comes.
struct AnswerDraft {
  var facts = AnswerFacts()
  private(set) var choices: [ChoiceDraft] = []
  /// Where the choices are, by their index: pieces name them as often as they like.
  private var positions: [Int64: Int] = [:]
  private let limit: Int
  private let blobBytes: Int
  // They are searched one by one, so more of them than any provider gives would only cost time.
  private static let maximumChoices = 2048
  private static let maximumParts = 4096
  private var budget: RecordingBudget
  /// Whether the ids of the prompt stood in a choice.
  private var hasPromptTokensInChoice = false
  /// Whether the record at hand has brought something that the model said.
  var carriesContent = false
  /// Whether the stream has reached its end marker.
  var isDone = false
  /// The status of the answer, for errors inside it.
  let status: Int

  /// - Parameters:
  ///   - budget: Bytes that may be kept.
  ///   - blobBytes: Larger blobs become their length and SHA-256.
  init(status: Int, budget: Int, blobBytes: Int) {
    self.status = status
    self.blobBytes = blobBytes
    limit = budget
    self.budget = RecordingBudget(left: budget)
  }

  /// Whether something was left out, because the answer is too large.
  var isTruncated: Bool { budget.isExceeded }

  /// Takes `id` and `model`; the first ones count.
  mutating func readIdentity(_ document: JSONDocument, _ place: Int?, id: StaticString, model: StaticString) {
    if facts.id == nil { facts.id = document.nonEmptyText(place, id) }
    if facts.model == nil { facts.model = document.nonEmptyText(place, model) }
  }

  /// Records an error; the first one counts.
  mutating func fail(_ error: ProviderError?) {
    if facts.error == nil { facts.error = error }
  }

  /// The choice of that index, if it has come.
  func knownChoice(_ index: Int64) -> Int? { positions[index] }

  /// The choice of that index, made if it is new; `nil` when there are too many.
  mutating func choice(_ index: Int64) -> Int? {
    if let position = positions[index] { return position }
    guard budget.take(MemoryLayout<ChoiceDraft>.stride, isPossible: choices.count < Self.maximumChoices) else {
      return nil
    }
    positions[index] = choices.count
    choices.append(ChoiceDraft(index: index))
    return choices.count - 1
  }

  mutating func setFinishReason(_ reason: String?, choice: Int) {
    if let reason, !reason.isEmpty { choices[choice].finishReason = reason }
  }

  /// Forgets what the choices said so far.
  mutating func removeChoices() {
    (choices, positions) = ([], [:])
    budget = RecordingBudget(left: limit)
  }

  /// The part of that key, made if it is new; `nil` when there are too many.
  mutating func part(_ key: PartDraft.Key, _ kind: PartDraft.Kind, choice: Int) -> Int? {
    if let position = choices[choice].parts.lastIndex(where: { $0.key == key }) { return position }
    let isPossible = choices[choice].parts.count < Self.maximumParts
    guard budget.take(MemoryLayout<PartDraft>.stride, isPossible: isPossible) else { return nil }
    choices[choice].parts.append(PartDraft(key: key, kind: kind))
    return choices[choice].parts.count - 1
  }

  /// Forgets the parts that stand at one place.
  mutating func removeParts(major: Int64, choice: Int) {
    guard choices.indices.contains(choice) else { return }
    choices[choice].parts.removeAll { $0.key.major == major }
  }

  /// Appends a string to a part, which is made when there is something to say.
  mutating func append(
    _ document: JSONDocument, _ string: Int?, to key: PartDraft.Key, _ kind: PartDraft.Kind, choice: Int
  ) {
    guard let string, document.isString(string), !document.content(string).isEmpty else { return }
    guard let part = part(key, kind, choice: choice) else { return }
    append(document, string, toPart: part, choice: choice)
  }

  /// Appends a string to a part.
  mutating func append(_ document: JSONDocument, _ string: Int, toPart part: Int, choice: Int) {
    let count = document.content(string).count
    guard count > 0 else { return }
    carriesContent = true
    guard budget.take(count) else { return }
    document.appendString(string, to: &choices[choice].parts[part].text)
  }

  /// Appends a string to the input of an item.
  mutating func appendInput(_ document: JSONDocument, _ string: Int, toPart part: Int, choice: Int) {
    let count = document.content(string).count
    guard count > 0 else { return }
    carriesContent = true
    guard budget.take(count) else { return }
    document.appendString(string, to: &choices[choice].parts[part].input)
  }

  /// Sets the text of a part to a value as it was written.
  mutating func setJSON(_ document: JSONDocument, _ value: Int, ofPart part: Int, choice: Int) {
    let range = document.text(value)
    carriesContent = true
    guard budget.take(range.count) else { return }
    choices[choice].parts[part].text = Array(document.bytes[range])
  }

  /// Sets the text of a part to an item of the provider's own, without large blobs.
  mutating func setItem(_ document: JSONDocument, _ value: Int, ofPart part: Int, choice: Int) {
    let json = document.json(value, blobsUpTo: blobBytes)
    carriesContent = true
    guard budget.take(json.count) else { return }
    choices[choice].parts[part].text = json
  }

  /// Appends data that the answer holds.
  mutating func appendMedia(
    _ document: JSONDocument, base64: Int, mimeType: String?, to key: PartDraft.Key, choice: Int
  ) {
    let source = Media.Source(base64: document.string(base64), limit: blobBytes)
    var count = 0
    if case .blob(let text) = source { count = text.utf8.count }
    guard budget.take(count), let part = part(key, .media, choice: choice) else { return }
    carriesContent = true
    choices[choice].parts[part].media = Media(
      modality: Media.modality(ofMIMEType: mimeType), mimeType: mimeType, source: source)
  }

  /// Names the call that a part is; the first names count.
  mutating func name(part: Int, choice: Int, id: String?, name: String?) {
    if choices[choice].parts[part].id == nil { choices[choice].parts[part].id = id }
    if choices[choice].parts[part].name == nil, let name, !name.isEmpty {
      choices[choice].parts[part].name = name
      carriesContent = true
    }
  }

  /// Appends the elements of an array of log probabilities.
  mutating func appendLogprobs(_ document: JSONDocument, _ array: Int?, choice: Int) {
    for element in document.items(array) {
      appendLogprob(document.bytes[document.text(element)], choice: choice)
    }
  }

  mutating func appendLogprob(_ json: ArraySlice<UInt8>, choice: Int) {
    guard budget.take(json.count + 1) else { return }
    if choices[choice].logprobs?.append(UInt8(ascii: ",")) == nil { choices[choice].logprobs = [] }
    choices[choice].logprobs?.append(contentsOf: json)
  }

  mutating func appendTokenIDs(_ ids: [Int64]?, choice: Int) {
    guard let ids, budget.take(ids.count * MemoryLayout<Int64>.size) else { return }
    choices[choice].tokenIDs = (choices[choice].tokenIDs ?? []) + ids
  }

  mutating func setPromptTokenIDs(_ ids: [Int64]?, isInChoice: Bool) {
    guard facts.promptTokenIDs == nil, let ids, !ids.isEmpty else { return }
    guard budget.take(ids.count * MemoryLayout<Int64>.size) else { return }
    facts.promptTokenIDs = ids
    hasPromptTokensInChoice = isInChoice
  }

  /// What is known so far.
  ///
  /// - Parameter emptyArguments: What a call without arguments stands for.
  func finished(emptyArguments: String) -> AnswerFacts {
    var facts = facts
    facts.choices = choices.sorted { $0.index < $1.index }.map { $0.completed(blobBytes).finished(emptyArguments) }
    if facts.finishReasons.isEmpty { facts.finishReasons = facts.choices.compactMap(\.finishReason) }
    return facts
  }
}

extension AnswerDraft {
  /// Forgets the tokens of the choices that do not say what they say in another draft: they spell it out.
  mutating func removeTokens(ofChangesSince other: AnswerDraft) {
    for position in choices.indices {
      let before = other.choices.first { $0.index == choices[position].index }
      if before?.parts != choices[position].parts { choices[position].removeTokens() }
    }
  }

  /// Leaves out what pointers would name, had the answer come at once.
  mutating func redact(
    _ redaction: Redaction, _ layout: AnswerLayout, _ places: (PartDraft, _ callPosition: Int) -> PartPlaces
  ) {
    choices = choices.map { $0.completed(blobBytes) }
    facts.redact(redaction, layout)
    let promptTokens = layout.promptTokenIDs(isInChoice: hasPromptTokensInChoice)
    if redaction.effect(at: [promptTokens]) != .none { facts.promptTokenIDs = nil }
    let ranks = choices.indices.sorted { choices[$0].index < choices[$1].index }
    var removed: Set<Int> = []
    for (rank, position) in ranks.enumerated() {
      let place = layout.choice(choices[position].index, Int64(rank))
      switch redaction.effect(at: layout.roots.map { $0 + place }) {
      case .removed, .replaced: removed.insert(position)
      case .none, .inside: choices[position].redact(redaction, layout, at: place, places)
      }
    }
    for position in removed.sorted().reversed() { choices.remove(at: position) }
    positions = Dictionary(uniqueKeysWithValues: zip(choices.map(\.index), choices.indices))
  }
}

extension AnswerFacts {
  fileprivate mutating func redact(_ redaction: Redaction, _ layout: AnswerLayout) {
    let roots = layout.roots
    id = redaction.redacted(id, at: roots + [layout.id])
    model = redaction.redacted(model, at: roots + [layout.model])
    providerStatus = redaction.redacted(providerStatus, at: roots + ["status"])
    systemFingerprint = redaction.redacted(systemFingerprint, at: roots + ["system_fingerprint"])
    serviceTier = redaction.redacted(
      serviceTier, at: (roots + ["service_tier"]) + (roots + ["usage", "service_tier"]))
    if redaction.effect(at: roots + [layout.usage]) != .none { usage = nil }
    guard var error else { return }
    error.message = redaction.redacted(error.message, at: roots + ["error", "message"])
    error.type = redaction.redacted(error.type, at: roots + ["error", .either("type", "status")])
    error.code = redaction.redacted(error.code, at: roots + ["error", "code"])
    self.error = error
  }
}

/// How much may be kept of an answer.
private struct RecordingBudget {
  var left: Int
  var isExceeded = false

  init(left: Int) { self.left = left }

  mutating func take(_ count: Int, isPossible: Bool = true) -> Bool {
    guard isPossible, count <= left else {
      isExceeded = true
      return false
    }
    left -= count
    return true
  }
}
