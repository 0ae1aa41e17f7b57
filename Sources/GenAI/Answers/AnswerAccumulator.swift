import JSON

/// Reads the answers of one API into a draft.
///
/// No method fails: what is not understood is left out.
protocol AnswerAccumulator {
  var draft: AnswerDraft { get set }

  /// Where things stand in an answer that comes at once.
  static var layout: AnswerLayout { get }

  /// Where a part would stand.
  ///
  /// - Parameter callPosition: The number of calls of tools before it.
  static func places(of part: PartDraft, callPosition: Int) -> PartPlaces

  /// Reads an answer that came at once.
  mutating func read(body: JSONDocument)

  /// Reads one record of a stream.
  mutating func read(record: JSONDocument)

  /// What is known so far.
  func finished() -> AnswerFacts
}

extension AnswerAccumulator {
  /// Where most APIs put an error, in bodies and in records.
  mutating func readError(_ document: JSONDocument) {
    draft.fail(ProviderError(document, document.value(JSONDocument.root, "error"), status: draft.status))
  }

  func finished() -> AnswerFacts { draft.finished(emptyArguments: "") }

  /// Leaves out of an answer that came in pieces what pointers would name, had it come at once.
  mutating func redact(_ redaction: Redaction) {
    draft.redact(redaction, Self.layout, Self.places(of:callPosition:))
  }
}

extension ProviderError {
  /// Reads an error as the providers write it; `nil` for values that mean "no error".
  init?(_ document: JSONDocument, _ place: Int?, status: Int) {
    guard let place else { return nil }
    self.init(httpStatus: status)
    switch document.kind(place) {
    case .object:
      guard document.end(place) > place + 1 else { return nil }
      type = document.nonEmptyText(place, "type") ?? document.nonEmptyText(place, "status")
      message = document.text(place, "message")
      readCode(document, document.value(place, "code"))
    case .plainString, .string:
      guard !document.content(place).isEmpty else { return nil }
      message = document.string(place)
    case .true: break
    default: return nil
    }
  }

  private mutating func readCode(_ document: JSONDocument, _ place: Int?) {
    guard let place else { return }
    switch document.kind(place) {
    case .plainString, .string: code = document.content(place).isEmpty ? nil : document.string(place)
    case .integer:
      code = document.json(place)
      isCodeNumeric = true
    default: break
    }
  }

  /// Reads the body of an answer with an error status, whatever server made it.
  init(body document: JSONDocument, status: Int) {
    let root = JSONDocument.root
    // The Gemini API answers a stream that is no event stream with an array.
    let object = document.kind(root) == .array ? document.items(root).first ?? root : root
    if let error = ProviderError(document, document.value(object, "error"), status: status) {
      self = error
      return
    }
    self.init(httpStatus: status)
    // vLLM before 0.10 has no `error` around it, FastAPI's own errors have a `detail`.
    type = document.nonEmptyText(object, "type")
    message = document.text(object, "message") ?? document.text(object, "detail")
    readCode(document, document.value(object, "code"))
  }
}
