import SQLite
import Threads
import TraceStore

/// Copies the WAL into the database file, so that it stays small under constant load.
///
/// Most of the copying is done on a thread of its own, beside the writer. The WAL can only start anew when all of it is
/// copied, so when the thread is done the writer copies the few pages that came meanwhile between two transactions. It
/// syncs the database file for that, and all senders wait: so the thread copies in several passes, until little is left.
final class Checkpointer: Sendable {
  /// Passes of the thread, and how few frames a pass has to copy to be the last.
  private static let maximumPasses = 6
  private static let fewFrames = 64

  private enum State {
    case idle
    case due
    case running
    /// The thread is done; the writer is to copy the rest.
    case restLeft
    case stopping
    case stopped
  }

  /// Under a moderate load a quarter of the threshold suffices, so that the disk gets less at once and nobody's sync waits
  /// long behind it; as often as this it costs little.
  private static let moderateInterval = Duration.milliseconds(100)

  private let state = Monitor(State.idle)
  /// When the last checkpoint ended; used by the writer alone.
  private let lastEnd = Locked(ContinuousClock.now)
  private let threshold: Int
  private let path: String
  private let vfs: String?
  private let status: StoreStatus

  init(path: String, _ options: SQLiteStoreOptions, _ status: StoreStatus) {
    self.path = path
    self.status = status
    threshold = options.checkpointBytes
    vfs = options.vfs
  }

  /// Runs until `stop`.
  func run() {
    while state.wait(until: { $0 == .due || $0 == .stopping }, { self.start(&$0) }) {
      // A checkpoint that fails loses nothing: the WAL keeps everything, but it grows until one works.
      do throws(SQLiteError) {
        let connection = try Connection(path: path, access: .existing, vfs: vfs)
        try connection.execute("PRAGMA synchronous = FULL; PRAGMA cache_size = -512")
        connection.keepWALOnClose()
        try Self.copy(connection)
        status.checkpointEnded(nil)
      } catch {
        // Another process is at it: that is as good.
        let failure = StoreError(error)
        status.checkpointEnded(failure.code == .locked ? nil : failure)
      }
      state.withLock { if $0 == .running { $0 = .restLeft } }
    }
    state.update { state in
      state = .stopped
      return true
    }
  }

  private static func copy(_ connection: borrowing Connection) throws(SQLiteError) {
    var copied = 0
    for _ in 0..<maximumPasses {
      let result = try connection.checkpoint(.passive)
      // Fewer than before: the WAL has started anew.
      if result.checkpointed - copied <= fewFrames { return }
      copied = result.checkpointed
    }
  }

  private func start(_ state: inout State) -> Bool {
    guard state == .due else { return false }
    state = .running
    return true
  }

  /// Called by the writer between two transactions.
  func didCommit(walBytes: Int, _ connection: borrowing Connection) {
    var isRestLeft = false
    state.update { state in
      switch state {
      case .idle where isDue(walBytes):
        state = .due
        return true
      case .restLeft:
        state = .idle
        isRestLeft = true
        return false
      default: return false
      }
    }
    // Nobody waits for readers here: what cannot be copied now is copied next time.
    if isRestLeft {
      _ = try? connection.checkpoint(.passive)
      lastEnd.withLock { $0 = .now }
    }
  }

  private func isDue(_ walBytes: Int) -> Bool {
    guard walBytes > threshold / 4 else { return false }
    return walBytes > threshold || lastEnd.withLock { $0.duration(to: .now) } > Self.moderateInterval
  }

  /// Ends the thread, and returns when it has let go of the database.
  func stop() {
    state.update { state in
      if state != .stopped { state = .stopping }
      return true
    }
    state.wait(until: { $0 == .stopped }, { _ in })
  }
}
