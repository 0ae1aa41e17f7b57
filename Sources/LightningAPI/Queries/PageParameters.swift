import JSON
import TraceStore

/// Which part of the results a request asks for, as it says it.
struct PageParameters: Hashable, Sendable {
  /// -1 = all.
  var limit = -1
  var offset = 0
  /// `nil` when the request says nothing.
  var sortBy: String??
  var isDescending = false

  /// Checks what pydantic does not.
  ///
  /// AGL store contract, section 2.
  func page<SortKey>(_ model: QueryModel<SortKey>, matchesAny: Bool = false) throws(RequestFailure) -> Page<SortKey> {
    var page = Page<SortKey>()
    page.sortKey = try model.sortKey(sortBy)
    guard limit == -1 || limit > 0 else {
      throw .refused(400, "Limit must be greater than 0 or -1 for no limit")
    }
    guard offset >= 0 else { throw .refused(400, "Offset must be greater than or equal to 0") }
    page.isDescending = isDescending
    page.matchesAny = matchesAny
    page.limit = limit == -1 ? nil : limit
    page.offset = offset
    return page
  }
}

extension RequestReader {
  private enum SortOrder: String, CaseIterable { case asc, desc }
  private enum FilterLogic: String, CaseIterable { case and, or }

  /// `limit`, `offset`, `sort_by` and `sort_order`, which stand together in each model.
  mutating func page() -> PageParameters {
    let root = JSONDocument.root
    var page = PageParameters()
    page.limit = optional(root, "limit") { reader, place in Int(reader.integer(place)) } ?? -1
    page.offset = optional(root, "offset") { reader, place in Int(reader.integer(place)) } ?? 0
    page.sortBy = optional(root, "sort_by") { reader, place in reader.nullableString(place) }
    let order: SortOrder?? = optional(root, "sort_order") { reader, place in reader.word(place) }
    page.isDescending = order == .desc
    return page
  }

  /// Whether one condition suffices: `filter_logic`.
  mutating func matchesAny() -> Bool {
    let logic: FilterLogic?? = optional(JSONDocument.root, "filter_logic") { reader, place in reader.word(place) }
    return logic == .or
  }

  /// A text that results are to have.
  mutating func condition(_ name: StaticString) -> String? {
    nullable(JSONDocument.root, name) { reader, place in reader.string(place) }
  }

  /// Words of which results are to have one; `nil` = any.
  mutating func words<Word>(_ name: StaticString) -> [Word]? where Word: RawRepresentable<String> & CaseIterable {
    nullable(JSONDocument.root, name) { reader, place in reader.list(place) { reader, place in reader.word(place) } }
  }
}
