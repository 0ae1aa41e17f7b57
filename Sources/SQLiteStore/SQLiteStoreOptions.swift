package import TraceStore

/// How the embedded engine works.
package struct SQLiteStoreOptions: Sendable {
  /// What an acknowledgement survives.
  package enum Durability: Sendable {
    /// A power cut: every commit is synced to the disk.
    case power
    /// The end of the process, but not of the machine: the last moments before a power cut may be lost.
    case process
  }

  package var durability = Durability.power
  /// Threads that read.
  package var readers = 2
  /// Whether there are targets that spans are sent on to: they are read for them on a thread of its own.
  package var forwards = false
  /// Bytes of batches that may wait for the writer; more are refused with `overloaded`.
  package var queueBytes = 64 << 20
  /// How long a write waits for another process that holds the database.
  package var busyTimeout = Duration.seconds(2)
  /// How long a query may run.
  package var queryDeadline = Duration.seconds(30)
  /// The shortest time between two searches for attempts that are late or silent.
  package var watchdogDebounce = Duration.seconds(10)
  /// For whom rollouts are made on their own.
  package var autoRollout = AutoRollout.off
  /// Spans that one transaction looks at again because of facts that came.
  package var retagStep = 2_000
  /// Questions about one trace while spans are tagged anew before all of its spans are read at once.
  package var retagPatience = 16
  /// Bytes of WAL after which it is copied into the database file.
  package var checkpointBytes = 16 << 20
  /// The SQLite VFS; tests inject faults through it.
  package var vfs: String?
  /// What is kept, and for how long; `nil` does without retention altogether.
  package var retention: RetentionPolicy?
  /// The time that has passed since some moment; tests let it pass.
  package var uptime: @Sendable () -> Duration = SystemClock.uptime
  /// The time of arrival, in nanoseconds since 1970.
  package var now: @Sendable () -> Int64 = SystemClock.nanosecondsSince1970

  /// When the index of traces moves its entries; tests make it move often.
  var traceIndex = TraceIndex.Capacities()

  package init() {}
}
