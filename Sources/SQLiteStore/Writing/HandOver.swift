/// Carries the writer's connection to its thread.
///
/// The thread takes it out and nobody else keeps it, because a connection that fails has to be closed at once: as long
/// as it lives, its locks may keep the one that follows from writing.
///
/// Unchecked Sendable: filled before the thread starts, and used by that thread alone from then on.
final class HandOver: @unchecked Sendable {
  private var session: WriterSession?

  init(_ session: WriterSession) { self.session = session }

  func take() -> WriterSession? { session.take() }
}
