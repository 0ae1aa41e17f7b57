import APISupport
import JSON
import Threads
import Transport

/// Keeps new calls out while a trainer swaps weights; calls in flight go on.
final class PauseGate: Sendable {
  private struct Pause {
    var retryAfter: Int
    var reason: String
  }

  private static let defaultRetryAfter = 5
  private static let longestRetryAfter = 3600

  private let pause = Locked<Pause?>(nil)

  /// The answer to a new call; `nil` when there is no pause.
  var refusal: HTTPResponse? {
    guard let pause = pause.withLock({ $0 }) else { return nil }
    var response = JSONAnswer.make(429) { writer in
      writer.beginObject()
      writer.key("error")
      writer.string("gateway paused")
      writer.key("reason")
      writer.string(pause.reason)
      writer.endObject()
    }
    response.headers.append("retry-after", String(pause.retryAfter))
    response.headers.append("x-agl-paused", "true")
    return response
  }

  /// Starts a pause, or changes the one that is.
  ///
  /// - Parameter body: `{"retry_after_seconds", "reason"}`, both optional.
  /// - Returns: `false` for a body that is something else.
  func start(_ body: [UInt8]) -> Bool {
    var pause = Pause(retryAfter: Self.defaultRetryAfter, reason: "")
    if !body.isEmpty {
      guard let document = try? JSONDocument(parsing: body), document.kind(JSONDocument.root) == .object else {
        return false
      }
      if let place = document.member(JSONDocument.root, "retry_after_seconds"), document.kind(place) != .null {
        guard document.kind(place) == .integer || document.kind(place) == .double else { return false }
        let number = document.double(place)
        guard number >= 0, number <= Double(Self.longestRetryAfter) else { return false }
        pause.retryAfter = Int(number.rounded(.up))
      }
      if let place = document.member(JSONDocument.root, "reason"), document.kind(place) != .null {
        guard document.isString(place) else { return false }
        pause.reason = String(document.string(place).prefix(200))
      }
    }
    self.pause.withLock { $0 = pause }
    return true
  }

  func end() { pause.withLock { $0 = nil } }

  /// The answer `{"paused", "retry_after_seconds", "reason", "inflight"}`.
  func state(inFlight: Int) -> HTTPResponse {
    let pause = pause.withLock { $0 }
    return JSONAnswer.make { writer in
      writer.beginObject()
      writer.key("paused")
      writer.bool(pause != nil)
      writer.key("retry_after_seconds")
      if let pause { writer.integer(Int64(pause.retryAfter)) } else { writer.null() }
      writer.key("reason")
      if let pause { writer.string(pause.reason) } else { writer.null() }
      writer.key("inflight")
      writer.integer(Int64(inFlight))
      writer.endObject()
    }
  }
}
