import Transport

/// When a request is worth another try before any byte of an answer has reached the client.
enum Resending {
  private static let statuses: Set<Int> = [408, 409, 429]
  private static let firstDelay = Duration.milliseconds(500)
  /// Longer waits are the client's decision: the answer is passed on.
  private static let longestDelay = Duration.seconds(20)

  /// How long to wait; `nil` when the answer is to be passed on.
  ///
  /// - Parameter attempt: How many tries have been made again.
  static func delay(after result: Result<ClientResponse, ClientError>, attempt: Int) -> Duration? {
    switch result {
    case .failure(let error):
      return error.kind == .connection || error.kind == .truncated ? backoff(attempt) : nil
    case .success(let head):
      guard statuses.contains(head.status) || head.status >= 500 else { return nil }
      if head.headers.first("x-should-retry") == "false" { return nil }
      guard let asked = asked(head.headers) else { return backoff(attempt) }
      return asked <= longestDelay ? asked : nil
    }
  }

  private static func backoff(_ attempt: Int) -> Duration {
    let delay = min(firstDelay * (1 << min(attempt, 10)), .seconds(8))
    return delay * Double.random(in: 0.75...1)
  }

  private static func asked(_ headers: HTTPHeaders) -> Duration? {
    if let text = headers.first("retry-after-ms"), let milliseconds = Double(text), milliseconds >= 0 {
      return .milliseconds(min(milliseconds, 1e9))
    }
    if let text = headers.first("retry-after"), let seconds = Double(text), seconds >= 0 {
      return .seconds(min(seconds, 1e6))
    }
    return nil
  }
}
