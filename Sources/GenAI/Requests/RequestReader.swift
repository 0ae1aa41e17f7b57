import JSON

/// Reads the facts of a request out of its body.
struct RequestReader {
  let document: JSONDocument
  /// Whether messages, instructions and tools are wanted.
  let includesContent: Bool
  let blobBytes: Int
  var facts = RequestFacts()

  private init(_ document: JSONDocument, _ options: RecordingOptions) {
    self.document = document
    includesContent = options.level == .content
    blobBytes = options.blobBytes
  }

  /// Reads a request; what is not understood is left out.
  ///
  /// - Parameter path: The target of the request; the Gemini API names the model there.
  /// - Returns: The facts, and whether something of the prompt is left out, or might have been.
  static func facts(
    of body: consuming [UInt8], _ api: ProviderAPI, path: String, _ options: RecordingOptions
  ) -> (facts: RequestFacts, hidesPrompt: Bool) {
    let parsed = body.count <= JSONDocument.maximumSize ? try? JSONDocument(parsing: body) : nil
    // An empty object stands for what is no JSON.
    let document = parsed ?? emptyDocument
    let places = options.redaction.places(in: document)
    let redacted = places.isEmpty ? document : options.redaction.redacted(document, at: places) ?? emptyDocument
    var reader = RequestReader(redacted, options)
    switch api {
    case .chatCompletions: reader.readChat()
    case .completions: reader.readCompletions()
    case .embeddings: reader.readEmbeddings()
    case .responses: reader.readResponses()
    case .messages: reader.readMessages()
    case .generateContent: reader.readGenerateContent(path: path)
    }
    // What cannot be read may say anything that is to be left out.
    let isReadable = parsed?.kind(JSONDocument.root) == .object
    return (reader.facts, isReadable ? isPrompt(places, in: document) : !options.redaction.isEmpty)
  }

  /// Members of requests that are no part of what the model reads.
  private static let parameters: Set<String> = [
    "metadata", "model", "prompt_cache_key", "safety_identifier", "service_tier", "stop", "stop_sequences", "user",
  ]

  /// Whether one of the places lies in something that the model may read: what is not known counts.
  ///
  /// - Precondition: The document is an object, and the places are in order and do not overlap.
  private static func isPrompt(_ places: [Range<Int>], in document: JSONDocument) -> Bool {
    // Both the places and the members lie in the order of the text.
    var rest = places[...]
    for key in document.keys(JSONDocument.root) {
      let value = document.text(key + 1)
      while let place = rest.first, place.upperBound <= value.lowerBound { rest = rest.dropFirst() }
      guard let place = rest.first else { return false }
      if place.overlaps(value), !parameters.contains(document.string(key)) { return true }
    }
    return false
  }

  private static let emptyDocument: JSONDocument = {
    guard let document = try? JSONDocument(parsing: Array("{}".utf8)) else { preconditionFailure("this is JSON") }
    return document
  }()

  /// What several APIs call the same.
  mutating func readCommon() {
    let root = JSONDocument.root
    facts.model = document.text(root, "model")
    facts.isStream = document.flag(root, "stream")
    facts.temperature = document.number(root, "temperature")
    facts.topP = document.number(root, "top_p")
    facts.topK = document.number(root, "top_k")
    facts.frequencyPenalty = document.number(root, "frequency_penalty")
    facts.presencePenalty = document.number(root, "presence_penalty")
    facts.seed = document.integer(root, "seed")
    facts.choiceCount = document.integer(root, "n")
    facts.serviceTier = document.nonEmptyText(root, "service_tier")
    facts.stopSequences = stopSequences(document.value(root, "stop"))
    facts.maxTokens = document.integer(root, "max_tokens")
  }

  /// One string or several.
  func stopSequences(_ place: Int?) -> [String]? {
    guard let place else { return nil }
    if document.isString(place) { return [document.string(place)] }
    let texts = document.items(place).filter(document.isString).map(document.string)
    return texts.isEmpty ? nil : texts
  }

  /// The type of `response_format` or `text.format`, in the words of `gen_ai.output.type`.
  func outputType(_ format: Int?) -> String? {
    switch document.text(format, "type") {
    case "json_schema", "json_object": "json"
    case "text": "text"
    default: nil
    }
  }

  /// Base64 text as it is to be recorded.
  func source(base64 text: String) -> Media.Source { Media.Source(base64: text, limit: blobBytes) }

  /// What a URL shows: the blob inside a `data:` URL ([RFC 2397](https://www.rfc-editor.org/rfc/rfc2397)), else itself.
  func media(url: String, modality: String) -> MessagePart {
    guard url.hasPrefix("data:"), let comma = url.firstIndex(of: ",") else {
      return .media(Media(modality: modality, mimeType: nil, source: .uri(url)))
    }
    let header = url[url.index(url.startIndex, offsetBy: 5)..<comma]
    let mimeType = header.split(separator: ";", omittingEmptySubsequences: false).first.map(String.init)
    return .media(
      Media(
        modality: modality, mimeType: mimeType?.isEmpty == true ? nil : mimeType,
        source: source(base64: String(url[url.index(after: comma)...]))))
  }

  func other(_ place: Int) -> MessagePart {
    .other(type: document.text(place, "type") ?? "unknown", json: item(place))
  }

  /// An item of the provider's own as JSON, without large blobs.
  func item(_ place: Int) -> String {
    String(decoding: document.json(place, blobsUpTo: blobBytes), as: UTF8.self)
  }
}
