import Glibc
import Transport

/// When a request is worth another try before any byte of an answer has reached the client.
enum Resending {
  private static let statuses: Set<Int> = [408, 409, 429]
  private static let firstDelay = Duration.milliseconds(500)
  /// Longer waits are the client's decision: the answer is passed on.
  private static let longestDelay = Duration.seconds(20)

  /// How long to wait; `nil` when the answer is to be passed on.
  ///
  /// - Parameters:
  ///   - attempt: How many tries have been made again.
  ///   - now: Seconds since 1970.
  static func delay(after result: Result<ClientResponse, ClientError>, attempt: Int, now: Int) -> Duration? {
    switch result {
    case .failure(let error):
      // Without a connection nothing was asked; an answer that broke off may have been worked for.
      return error.kind == .connection ? backoff(attempt) : nil
    case .success(let head):
      guard statuses.contains(head.status) || head.status >= 500 else { return nil }
      if head.headers.first("x-should-retry") == "false" { return nil }
      // A time that has passed asks for nothing.
      guard let asked = asked(head.headers, now), asked > .zero else { return backoff(attempt) }
      return asked <= longestDelay ? asked : nil
    }
  }

  private static func backoff(_ attempt: Int) -> Duration {
    let delay = min(firstDelay * (1 << min(attempt, 10)), .seconds(8))
    return delay * Double.random(in: 0.75...1)
  }

  private static func asked(_ headers: HTTPHeaders, _ now: Int) -> Duration? {
    if let text = headers.first("retry-after-ms"), let milliseconds = Double(text), milliseconds >= 0 {
      return .milliseconds(min(milliseconds, 1e9))
    }
    guard let text = headers.first("retry-after") else { return nil }
    if let seconds = Double(text), seconds >= 0 { return .seconds(min(seconds, 1e6)) }
    return date(text).map { .seconds($0 - now) }
  }

  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  /// Seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT`
  /// ([RFC 9110, section 5.6.7](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7)).
  private static func date(_ text: String) -> Int? {
    let parts = text.split { $0 == " " || $0 == ":" }
    guard parts.count == 8, parts[7] == "GMT", let month = months.firstIndex(of: String(parts[2])),
      let day = Int32(parts[1]), let year = Int32(parts[3]), (1970...9999).contains(year), let hour = Int32(parts[4]),
      let minute = Int32(parts[5]), let second = Int32(parts[6])
    else { return nil }
    var date = unsafe tm()
    unsafe (date.tm_year, date.tm_mon, date.tm_mday) = (year - 1900, Int32(month), day)
    unsafe (date.tm_hour, date.tm_min, date.tm_sec) = (hour, minute, second)
    return unsafe timegm(&date)
  }
}
