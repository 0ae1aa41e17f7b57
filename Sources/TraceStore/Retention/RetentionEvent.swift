/// What operators are to hear of retention.
package enum RetentionEvent: Sendable {
  /// A step failed; it is tried again.
  case failed(StoreError)
  /// Steps work again.
  case works
  /// More bytes are in use than may be, and what is left is pinned, running, or not delivered.
  case isOverLimit
  case hasRoom
  /// The clock is ahead of the time that has passed: nothing goes by its age for this long.
  case clockHasJumped(Duration)
  case clockIsTrusted
  /// Spans were deleted that a forwarder had not delivered in its time.
  case undelivered(Int)
}
