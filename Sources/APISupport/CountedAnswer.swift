package import TraceStore
package import Transport

extension AnswerAllowance {
  /// Has an answer made whose size is not known before, and counts what it holds.
  ///
  /// - Parameter isRefusable: Whether the answer can be dropped where nothing is left for it: it tells of no change.
  /// - Returns: `nil` when nothing is left, or the client has gone.
  package func count<Failure: Error>(
    isRefusable: Bool, _ make: () async throws(Failure) -> HTTPResponse
  ) async throws(Failure) -> HTTPResponse? {
    // Changes are many and small.
    guard let lease = await lease(expecting: isRefusable ? unknownBytes : Self.usualBytes) else { return nil }
    var response = try await make()
    guard response.lease == nil, case .bytes(let bytes) = response.body else { return response }
    if isRefusable && bytes.count > Self.usualBytes && lease.isRefused { return nil }
    lease.hold(bytes.count)
    response.lease = lease
    return response
  }
}

extension StoreError {
  /// Why an answer is not made while others are not read.
  package static let unreadAnswers = StoreError(
    .overloaded, "too many bytes of answers wait for clients that do not read")

  /// What a client is told of it: the messages of other errors may name files.
  package var answerText: String {
    code == .overloaded ? "the server is overloaded: \(message)" : "the store cannot answer: \(code)"
  }
}
