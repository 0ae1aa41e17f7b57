import Transport

/// A request that cannot be answered as it stands.
struct QueryFault: Error {
  var status: Int
  var message: String
}

/// The parameters of a query, checked: unknown names and bad values are refused by name.
struct QueryParameters {
  private var values: [String: String] = [:]

  init(_ request: HTTPRequest, allowed: Set<String>) throws(QueryFault) {
    for (name, value) in PercentEncoding.parameters(request.query) {
      guard allowed.contains(name) else {
        let known = allowed.isEmpty ? "none" : allowed.sorted().joined(separator: ", ")
        throw QueryFault(status: 400, message: "unknown parameter \(name), allowed are: \(known)")
      }
      values[name] = value
    }
  }

  func text(_ name: String) -> String? { values[name] }

  /// A number that is not negative.
  func number(_ name: String) throws(QueryFault) -> Int64? {
    guard let text = values[name] else { return nil }
    guard let value = Int64(text), value >= 0 else {
      throw QueryFault(status: 400, message: "\(name) must be a whole number of at least 0")
    }
    return value
  }

  /// A moment, in nanoseconds since 1970.
  func time(_ name: String) throws(QueryFault) -> UInt64? {
    guard let text = values[name] else { return nil }
    guard let value = Moment.nanoseconds(text) else { throw .time(name) }
    return value
  }

  /// The size of a page.
  func limit(default standard: Int, maximum: Int) throws(QueryFault) -> Int {
    guard let text = values["limit"] else { return standard }
    guard let value = Int(text), value >= 1, value <= maximum else {
      throw QueryFault(status: 400, message: "limit must be a whole number from 1 to \(maximum)")
    }
    return value
  }
}
