/// A protocol that speaks on a connection: HTTP/1 or HTTP/2.
///
/// Called on the loop's thread.
protocol ConnectionProtocol: AnyObject {
  func receive(_ bytes: Span<UInt8>)
  /// The client will send no more.
  func receiveEnd()
  /// All output has left.
  func didDrain()
  /// The connection is lost: every request in progress ends.
  func didClose()
  /// Ends the connection as soon as the requests in progress are answered.
  func beginShutdown()
  /// Fails the bodies that are not complete, so that their senders get an answer before the connection is closed.
  func refuseBodies()
  /// Whether the end of the connection now would be the end of a body that is not complete.
  var endsBodyWithConnection: Bool { get }
  /// When ``deadlineDidPass()`` wants to be called, in milliseconds of the loop's clock.
  var deadline: UInt64? { get }
  func deadlineDidPass()
}
