import JSON

/// Answers of embeddings, of which the vectors are counted and not kept.
///
/// [Embeddings](https://platform.openai.com/docs/api-reference/embeddings/object)
struct EmbeddingsAnswer: AnswerAccumulator {
  static let layout = AnswerLayout()

  var draft: AnswerDraft

  /// There are no parts.
  static func places(of part: PartDraft, callPosition: Int) -> PartPlaces { PartPlaces(text: []) }

  mutating func read(body: JSONDocument) { read(record: body) }

  mutating func read(record document: JSONDocument) {
    let root = JSONDocument.root
    readError(document)
    draft.readIdentity(document, root, id: "id", model: "model")
    draft.facts.usage = Usage(openAI: document, document.value(root, "usage")) ?? draft.facts.usage
    guard let data = document.value(root, "data"), document.kind(data) == .array else { return }
    let vectors = document.items(data)
    let dimensions = vectors.first.flatMap { Self.dimensions(document, document.value($0, "embedding")) }
    draft.facts.embeddings = AnswerFacts.Embeddings(count: vectors.count, dimensions: dimensions)
  }

  private static func dimensions(_ document: JSONDocument, _ vector: Int?) -> Int? {
    guard let vector else { return nil }
    if document.kind(vector) == .array { return document.items(vector).count }
    guard document.kind(vector) == .plainString else { return nil }
    // Base64 of floats of four bytes each.
    let text = document.bytes[document.content(vector)]
    let padding = text.suffix(2).count { $0 == UInt8(ascii: "=") }
    return (text.count / 4 * 3 - padding) / 4
  }
}
