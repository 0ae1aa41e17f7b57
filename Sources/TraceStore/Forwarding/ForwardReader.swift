/// Reads the log for those who send it on, on a thread that no query waits for.
package protocol ForwardReader: Sendable {
  /// Runs `body` over one snapshot of the store, or gives it the reason why there is none; it is called once.
  func submit(forwarding body: @escaping @Sendable (Result<any ForwardSession, StoreError>) -> Void)
}

extension ForwardReader {
  /// Runs `body` over one snapshot of the store.
  package func readLog<Value: Sendable>(
    _ body: @escaping @Sendable (any ForwardSession) throws(StoreError) -> Value
  ) async throws(StoreError) -> Value {
    let outcome = await withCheckedContinuation { continuation in
      submit(forwarding: { session in
        continuation.resume(returning: Result { () throws(StoreError) in try body(try session.get()) })
      })
    }
    return try outcome.get()
  }
}

/// One snapshot of the log; valid only inside `ForwardReader.readLog`.
///
/// Spans without a row in the index are passed over: retention has deleted them, or they are repeats. So are spans of an
/// attempt that is being deleted.
package protocol ForwardSession {
  /// The spans behind a position.
  ///
  /// - Parameters:
  ///   - forwarder: Whose outbox is looked at; 0 = nobody's.
  ///   - isWanted: Decides which spans the page has.
  func page(
    after position: ForwardPosition, _ limits: ForwardPageLimits, forwarder: Int64, isWanted: (ForwardSpan) -> Bool
  ) throws(StoreError) -> ForwardPage

  /// The spans of an outbox that were done before, the first ones.
  ///
  /// - Parameter cursor: Spans behind it will be sent anyway.
  func outbox(
    of forwarder: Int64, upTo cursor: Int64, limit: Int, isWanted: (ForwardSpan) -> Bool
  ) throws(StoreError) -> ForwardPage

  /// The number of the last span that was stored.
  func lastArrival() throws(StoreError) -> Int64

  /// The segments that hold spans of a range of arrivals, the open one last.
  ///
  /// - Parameter after: Only segments that were made after this one.
  func segments(of arrivals: ClosedRange<Int64>, after: Int64) throws(StoreError) -> [Int64]

  /// The spans of some segments in a range of arrivals; `end` is the index behind the last segment that was read.
  func page(
    ofSegments segments: ArraySlice<Int64>, in arrivals: ClosedRange<Int64>, keptBytes: Int,
    isWanted: (ForwardSpan) -> Bool
  ) throws(StoreError) -> ForwardPage
}
