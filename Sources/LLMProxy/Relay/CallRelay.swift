import GenAI
import Transport

/// Passes the bytes of an answer from the provider to the client, and a copy to the record.
///
/// Unchecked Sendable: confined to the loop of the transfer, but for `deinit`.
final class CallRelay: @unchecked Sendable {
  private let transfer: HTTPTransfer
  private let record: CallRecord?
  private let resendCount: Int
  private let clock: @Sendable () -> Int64
  private let drainTime: Duration
  /// Held until the call is over.
  private var admission: Admission?
  /// Called when the client has gone.
  ///
  /// - Returns: How the call has ended by that: the program may be what has gone.
  private let didDisconnect: @Sendable () -> ExchangeEnd
  private var isOver = false
  private var usageFilter: UsageFilter?
  /// What ended the answer, while the client gets what came before.
  private var failure: ClientError?

  init(
    _ transfer: HTTPTransfer, _ record: CallRecord?, _ admission: Admission, resendCount: Int, drainTime: Duration,
    clock: @escaping @Sendable () -> Int64, didDisconnect: @escaping @Sendable () -> ExchangeEnd
  ) {
    self.transfer = transfer
    self.record = record
    self.admission = admission
    self.resendCount = resendCount
    self.drainTime = drainTime
    self.clock = clock
    self.didDisconnect = didDisconnect
  }

  deinit {
    // The server has dropped the answer: its client is gone.
    if !isOver { abandon() }
  }

  /// Waits for the head of the answer.
  func head() async throws(ClientError) -> ClientResponse {
    do throws(ClientError) {
      return try await transfer.head()
    } catch {
      if error.kind == .cancelled { abandon() }
      throw error
    }
  }

  /// Gives this answer up for another try: the record goes on with the next relay.
  func release() {
    isOver = true
    transfer.loop.execute { [transfer] in transfer.cancel() }
  }

  /// The answer failed before it began.
  func fail(_ error: ClientError) {
    if !isOver { over(ExchangeEnd(error)) }
  }

  /// The body, when all of it has come with the head.
  func takeWhole() -> [UInt8]? {
    guard let bytes = transfer.takeWhole() else { return nil }
    isOver = true
    let (record, resendCount, now) = (record, resendCount, clock())
    admission = nil
    // After the answer is on its way: the client comes first.
    transfer.loop.execute {
      if !bytes.isEmpty { record?.receive(bytes, at: now) }
      record?.finish(.complete, at: now, resendCount: resendCount)
    }
    return bytes
  }

  /// Keeps the records with the usage from the client.
  func hideUsage() { usageFilter = UsageFilter() }

  /// The next bytes for the client.
  func next() async throws(ClientError) -> [UInt8]? {
    guard usageFilter != nil else { return try await receive() }
    if let failure { throw failure }
    do throws(ClientError) {
      while let bytes = try await receive() {
        let passed = usageFilter!.pass(bytes)
        if !passed.isEmpty { return passed }
      }
      let rest = usageFilter!.finish()
      return rest.isEmpty ? nil : rest
    } catch {
      let rest = usageFilter!.finish()
      guard !rest.isEmpty else { throw error }
      failure = error
      return rest
    }
  }

  /// The next bytes of the provider, which the record gets as well.
  private func receive() async throws(ClientError) -> [UInt8]? {
    guard !isOver else { return nil }
    let bytes: [UInt8]?
    do throws(ClientError) {
      bytes = try await transfer.next()
    } catch {
      if error.kind == .cancelled { abandon() } else { over(ExchangeEnd(error)) }
      throw error
    }
    guard let bytes else {
      over(.complete)
      return nil
    }
    record?.receive(bytes, at: clock())
    return bytes
  }

  private func over(_ end: ExchangeEnd) {
    isOver = true
    admission = nil
    record?.finish(end, at: clock(), resendCount: resendCount)
  }

  private func abandon() {
    guard !isOver else { return }
    isOver = true
    Self.abandon(transfer, record, didDisconnect(), admission, resendCount, drainTime, clock)
    admission = nil
  }

  /// Ends an answer that nobody reads any more, or reads it to its end for the record.
  private static func abandon(
    _ transfer: HTTPTransfer, _ record: CallRecord?, _ end: ExchangeEnd, _ admission: Admission?,
    _ resendCount: Int, _ drainTime: Duration, _ clock: @escaping @Sendable () -> Int64
  ) {
    let loop = transfer.loop
    guard drainTime > .zero, end == .clientDisconnected, let record else {
      loop.execute {
        transfer.cancel()
        record?.finish(end, at: clock(), resendCount: resendCount)
        _ = admission
      }
      return
    }
    Task(executorPreference: loop) {
      let limit = Task(executorPreference: loop) {
        try await loop.sleep(for: drainTime)
        loop.execute { transfer.cancel() }
      }
      var end = ExchangeEnd.complete
      do throws(ClientError) {
        record.begin(try await transfer.head())
        while let bytes = try await transfer.next() { record.receive(bytes, at: clock()) }
      } catch {
        end = ExchangeEnd(error)
      }
      limit.cancel()
      record.finish(end, at: clock(), resendCount: resendCount)
      _ = admission
    }
  }
}

extension ExchangeEnd {
  init(_ error: ClientError) {
    self =
      switch error.kind {
      case .connection: .connectError
      case .truncated: .truncated
      case .timeout: .timeout
      case .cancelled: .clientDisconnected
      case .invalidResponse, .other: .invalidResponse
      }
  }
}
