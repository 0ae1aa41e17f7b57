/// By which fields the results of a query can be sorted.
struct QueryModel<SortKey: Sendable>: Sendable {
  /// What is asked for, in messages.
  var plural: String
  /// The fields of Agent Lightning's model, in its order, as the message about a bad one lists them.
  var fields: [String]
  /// What each of them means, where their values have an order; and names that only we know.
  var keys: [String: SortKey]
  /// The order when none is asked for; `nil` = in the order in which they were made.
  var usual: SortKey?

  /// The key that a request asks for.
  ///
  /// - Parameter name: `nil` when it says nothing, `.some(nil)` when it says null: in the order in which they were made.
  func sortKey(_ name: String??) throws(RequestFailure) -> SortKey? {
    guard let name else { return usual }
    guard let name else { return nil }
    if let key = keys[name] { return key }
    if fields.contains(name) { throw .refused(400, "\(plural) cannot be sorted by \(name)") }
    throw .refused(400, "Invalid sort_by: \(name), allowed fields are: \(fields.joined(separator: ", "))")
  }
}
