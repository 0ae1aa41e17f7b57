/// A request that HTTP/1 forbids, with the status that says so; the connection is closed after it.
struct HTTP1Error: Error, Hashable, CustomStringConvertible {
  /// 400, 413, 431, 501 or 505.
  let status: Int
  /// For the body of the answer; says nothing that the client did not send.
  let description: String

  init(_ status: Int, _ description: String) {
    self.status = status
    self.description = description
  }
}
