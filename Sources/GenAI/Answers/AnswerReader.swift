import Compression
import JSON

/// Reads the body of an answer while it comes.
struct AnswerReader: ~Copyable {
  /// What the body is.
  private enum Form {
    /// Not known before the first byte.
    case undecided
    case events(EventStreamParser)
    case document([UInt8])
    /// Nothing that can be read.
    case opaque
  }

  private let options: RecordingOptions
  private let status: Int
  private let declared: DeclaredForm
  private let isStreamExpected: Bool
  private var decompressor: PushDecompressor?
  private var form = Form.undecided
  private var accumulator: any AnswerAccumulator
  /// Whether the answer has come in pieces: pointers name places of a document that was not sent.
  private var isInPieces = false
  private var events = Delivery.Events()
  private var isCut = false
  private var isUndecodable = false

  init(
    api: ProviderAPI, status: Int, contentType: String?, contentEncoding: String?, isStreamExpected: Bool,
    options: RecordingOptions
  ) {
    self.options = options
    self.status = status
    self.isStreamExpected = isStreamExpected
    declared = DeclaredForm(contentType: contentType)
    let textBytes = declared == .events ? min(options.answerBytes, options.streamTextBytes) : options.answerBytes
    accumulator = Self.accumulator(
      api, AnswerDraft(status: status, budget: textBytes + Self.room, blobBytes: options.blobBytes))
    let limit = max(options.streamBytes, options.answerBytes)
    if let coding = ResponseCoding(fieldValue: contentEncoding ?? "") {
      decompressor = PushDecompressor(coding, limit: limit)
    }
  }

  /// For a few choices and parts themselves, so that a body at the limit is not cut once more; in bytes.
  private static let room = 1024

  private static func accumulator(_ api: ProviderAPI, _ draft: AnswerDraft) -> any AnswerAccumulator {
    switch api {
    case .chatCompletions: ChatAnswer(draft: draft)
    case .completions: CompletionsAnswer(draft: draft)
    case .embeddings: EmbeddingsAnswer(draft: draft)
    case .responses: ResponsesAnswer(draft: draft)
    case .messages: MessagesAnswer(draft: draft)
    case .generateContent: GenerateContentAnswer(draft: draft)
    }
  }

  mutating func receive(_ bytes: Span<UInt8>) {
    // A body that nobody reads is not decoded either.
    if case .opaque = form { return }
    guard !isCut, !isUndecodable, var decompressor = decompressor.take() else { return }
    do throws(CompressionError) {
      try decompressor.push(bytes) { read($0) }
    } catch {
      if case .tooLarge = error { isCut = true } else { isUndecodable = true }
    }
    self.decompressor = consume decompressor
  }

  /// What follows is not read any more, as if the limit were reached.
  mutating func cut() { isCut = true }

  private mutating func read(_ bytes: Span<UInt8>) {
    guard !isCut else { return }
    if case .undecided = form { form = decide(bytes[0]) }
    // The state is taken out while it changes, so that its arrays are not copied.
    switch form {
    case .events(var parser):
      form = .undecided
      parser.push(bytes) { read(record: $0) }
      isCut = parser.isOverflown
      form = .events(parser)
    case .document(var body):
      form = .undecided
      let count = min(options.answerBytes - body.count, bytes.count)
      unsafe bytes.extracting(first: count).withUnsafeBufferPointer { unsafe body.append(contentsOf: $0) }
      isCut = count < bytes.count
      form = .document(body)
    case .undecided, .opaque: break
    }
  }

  /// What the body is, by what was declared and by its first byte.
  private func decide(_ first: UInt8) -> Form {
    let isObject = first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
    switch declared {
    // A JSON error that was labelled as a stream.
    case .events: return isObject ? .document([]) : .events(EventStreamParser(recordBytes: options.recordBytes))
    case .json: return .document([])
    case .unknown:
      if isObject || first <= 0x20 { return .document([]) }
      // The first letters of `data`, `event`, `id` and `retry`, a comment, or a byte order mark.
      let isField = [0x64, 0x65, 0x69, 0x72, 0x3A, 0xEF].contains(first)
      return isStreamExpected && isField ? .events(EventStreamParser(recordBytes: options.recordBytes)) : .opaque
    case .other: return isObject && status >= 400 ? .document([]) : .opaque
    }
  }

  private mutating func read(record: consuming [UInt8]) {
    events.records += 1
    guard !events.isDone else { return }
    if record == Self.doneMarker {
      events.isDone = true
      accumulator.draft.isDone = true
      return
    }
    events.answers += 1
    guard record.count <= JSONDocument.maximumSize, let document = try? JSONDocument(parsing: record) else {
      events.invalid += 1
      return
    }
    guard !accumulator.draft.isDone else { return }
    accumulator.draft.carriesContent = false
    accumulator.read(record: document)
    if accumulator.draft.carriesContent { events.contentDeltas += 1 }
  }

  private static let doneMarker = Array("[DONE]".utf8)
}

extension AnswerReader {
  /// Writes down what is known.
  mutating func finish(_ end: ExchangeEnd, into exchange: inout Exchange) {
    exchange.delivery.status = status
    var isInvalid = false
    switch form {
    case .events(let parser):
      isInPieces = true
      // Its blank line is missing at the end of some servers' streams.
      if !events.isDone, parser.unfinishedData == Self.doneMarker {
        events.isDone = true
        accumulator.draft.isDone = true
      }
      exchange.delivery.events = events
    case .document(let body): isInvalid = !read(document: body)
    case .undecided: isInvalid = true
    case .opaque: break
    }
    if isInPieces, !options.redaction.pointers.isEmpty { accumulator.redact(options.redaction) }
    exchange.answer = accumulator.finished()
    if status >= 400, exchange.answer.error == nil { exchange.answer.error = ProviderError(httpStatus: status) }
    exchange.delivery.isTruncated = isCut || accumulator.draft.isTruncated
    exchange.delivery.answerEnd = answerEnd(end, hasFailed: exchange.answer.error != nil)
    let isReadable = decompressor != nil
    exchange.delivery.isInvalid =
      isInvalid && isReadable && !isCut && declared == .json && end == .complete && status < 400
      && exchange.answer.error == nil
  }

  /// - Returns: Whether it is whole and JSON.
  private mutating func read(document body: [UInt8]) -> Bool {
    guard body.count <= JSONDocument.maximumSize else { return false }
    if let document = try? JSONDocument(parsing: body) {
      read(document)
      return true
    }
    if let readable = ReadablePrefix.closing(body.span), let document = try? JSONDocument(parsing: readable) {
      read(document)
    }
    return false
  }

  private mutating func read(_ document: JSONDocument) {
    // The Gemini API's other kind of stream: a pointer may name a place of the array, or one of the answer in it.
    isInPieces = document.kind(JSONDocument.root) == .array
    let places = options.redaction.places(in: document)
    guard !places.isEmpty else { return read(whole: document) }
    // Not empty, so there is a document that says what was left out.
    guard let redacted = options.redaction.redacted(document, at: places) else { return }
    var untouched = accumulator
    untouched.read(body: document)
    read(whole: redacted)
    accumulator.draft.removeTokens(ofChangesSince: untouched.draft)
  }

  private mutating func read(whole document: JSONDocument) {
    if status >= 400 {
      accumulator.draft.fail(ProviderError(body: document, status: status))
    } else {
      accumulator.read(body: document)
    }
  }

  private func answerEnd(_ end: ExchangeEnd, hasFailed: Bool) -> Delivery.AnswerEnd {
    if hasFailed { return .error }
    if accumulator.draft.isDone { return .done }
    guard end == .complete, !isUndecodable else { return .truncated }
    guard case .events(let parser) = form else { return .complete }
    // What was left out here is not what the provider left out.
    return parser.hasUnfinishedRecord && !isCut ? .truncated : .eof
  }
}

/// What the field `content-type` says of a body.
private enum DeclaredForm {
  case events, json, unknown, other

  init(contentType: String?) {
    let type = (contentType ?? "").prefix { $0 != ";" }.lowercased().filter { $0 != " " && $0 != "\t" }
    switch type {
    case "text/event-stream": self = .events
    case "", "text/plain", "application/octet-stream": self = .unknown
    case _ where type == "application/json" || type.hasSuffix("+json"): self = .json
    default: self = .other
    }
  }
}
