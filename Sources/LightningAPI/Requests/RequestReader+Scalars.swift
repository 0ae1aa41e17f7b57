import JSON

// Strings, numbers and words with the conversions that pydantic makes: https://docs.pydantic.dev/latest/concepts/conversion_table/
extension RequestReader {
  mutating func string(_ place: Int) -> String {
    if document.isString(place) { return document.string(place) }
    note(.notString, at: place)
    return ""
  }

  /// A string that is an id: it is kept in indexes, and repeated in answers.
  mutating func identifier(_ place: Int) -> String {
    let text = string(place)
    if text.utf8.count > RequestFault.longestIdentifier { note(.longIdentifier, at: place) }
    return text
  }

  /// An integer, also as text, as a bool, or as a double without a fraction.
  mutating func integer(_ place: Int) -> Int64 {
    switch LaxNumber.integer(document, place) {
    case .success(let value): return value
    case .failure(let problem):
      note(problem.fault, at: place)
      return 0
    }
  }

  /// A double, also as text or as a bool; it need not be finite.
  mutating func double(_ place: Int) -> Double {
    switch LaxNumber.double(document, place) {
    case .success(let value): return value
    case .failure(let problem):
      note(problem.fault, at: place)
      return 0
    }
  }

  /// A double that is a number.
  mutating func finiteDouble(_ place: Int) -> Double {
    let value = double(place)
    if value.isFinite { return value }
    note(.notFinite, at: place)
    return 0
  }

  /// A bool, also as a word, or as 0 or 1.
  mutating func bool(_ place: Int) -> Bool {
    switch LaxNumber.bool(document, place) {
    case .success(let value): return value
    case .failure(let problem):
      note(problem.fault, at: place)
      return false
    }
  }

  /// One of the words of an enumeration.
  mutating func word<Word>(_ place: Int) -> Word? where Word: RawRepresentable<String> & CaseIterable {
    if document.isString(place), let word = Word(rawValue: document.string(place)) { return word }
    note(.notOneOf(Word.allCases.map(\.rawValue)), at: place)
    return nil
  }
}
