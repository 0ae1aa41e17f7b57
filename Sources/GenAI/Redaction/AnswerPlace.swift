/// Where a value of an answer stands in the document that the answer is when it comes at once.
struct AnswerPlace: Sendable, Hashable, ExpressibleByArrayLiteral {
  /// One step into an object or an array.
  struct Step: Sendable, Hashable, ExpressibleByStringLiteral {
    /// What may stand there; `nil` for any element of an array.
    private let names: [String]?

    init(stringLiteral name: String) { names = [name] }

    private init(names: [String]?) { self.names = names }

    /// One of the members, as providers do not agree on a name.
    static func either(_ names: String...) -> Step { Step(names: names) }

    /// The element of one of the indices.
    static func element(_ indices: Int64...) -> Step { Step(names: indices.map(String.init)) }

    /// An element of whatever index.
    static let anyElement = Step(names: nil)

    func matches(_ segment: String) -> Bool {
      names.map { $0.contains(segment) } ?? (Int(segment) != nil)
    }
  }

  let steps: [Step]

  init(arrayLiteral steps: Step...) { self.steps = steps }

  private init(steps: [Step]) { self.steps = steps }

  static func + (place: AnswerPlace, other: AnswerPlace) -> AnswerPlace {
    AnswerPlace(steps: place.steps + other.steps)
  }
}

extension [AnswerPlace] {
  static func + (places: [AnswerPlace], other: AnswerPlace) -> [AnswerPlace] { places.map { $0 + other } }
}
