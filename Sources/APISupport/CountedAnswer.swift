package import TraceStore
package import Transport

extension AnswerAllowance {
  /// Answers to changes up to this size, in bytes, are not counted: nearly all, and the streams of a connection bound them.
  private static let smallBytes = 16 << 10

  /// Has an answer made whose size is not known before, and counts what it holds.
  ///
  /// - Parameter isRefusable: Whether it can be made later or not at all: it tells of no change, and neither a body nor
  ///   anything else is waited for while it holds a place.
  /// - Returns: `nil` when nothing is left for a refusable one, or its client has gone.
  package func count<Failure: Error>(
    isRefusable: Bool, _ make: () async throws(Failure) -> HTTPResponse
  ) async throws(Failure) -> HTTPResponse? {
    guard isRefusable else { return await count(try await make()) }
    guard let lease = await lease(expecting: unknownBytes) else { return nil }
    var response = try await make()
    guard response.lease == nil, case .bytes(let bytes) = response.body else { return response }
    if bytes.count > Self.usualBytes && lease.isRefused { return nil }
    lease.hold(bytes.count)
    response.lease = lease
    return response
  }

  /// Counts an answer that has to be sent.
  private func count(_ response: HTTPResponse) async -> HTTPResponse {
    guard response.lease == nil, case .bytes(let bytes) = response.body, bytes.count > Self.smallBytes else {
      return response
    }
    var response = response
    response.lease = await lease(expecting: bytes.count)
    response.lease?.hold(bytes.count)
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
