/// A query with the numbers of the request, which the answer repeats.
struct LightningQuery<Query: Sendable>: Sendable {
  var query: Query
  /// As asked.
  var limit: Int
  var offset: Int

  init(_ query: Query, _ page: PageParameters) {
    self.query = query
    limit = page.limit
    offset = page.offset
  }
}
