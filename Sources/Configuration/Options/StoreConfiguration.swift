/// How spans are stored.
package struct StoreConfiguration: Sendable, Equatable {
  /// What an acknowledged span survives.
  package enum Durability: String, CaseIterable, Sendable {
    /// A loss of power: commits are synced to the disk.
    case power
    /// The end of the process, however sudden.
    case process
  }

  /// What an acknowledged span survives.
  ///
  /// Default `power`, environment `FULGURITE_STORE_DURABILITY`.
  package var durability = Durability.power
  /// How many queries run at the same time, each on a thread of its own.
  ///
  /// Default 2, environment `FULGURITE_STORE_READERS`.
  package var readers = 2
  /// How long a lock that another program holds on the database is waited for.
  ///
  /// Default 2 s, environment `FULGURITE_STORE_BUSY_TIMEOUT`.
  package var busyTimeout = Duration.seconds(2)
  /// The bytes of write-ahead log from which on it is copied back into the database.
  ///
  /// Default 16 MiB, environment `FULGURITE_STORE_CHECKPOINT_BYTES`.
  package var checkpointBytes = 16 << 20
  /// Whether spans are decoded and thrown away; for benchmarks of the receivers alone.
  ///
  /// Default false, environment `FULGURITE_STORE_DISCARD`.
  package var discard = false

  /// The defaults.
  package init() {}
}

extension StoreConfiguration {
  static let options = [
    ConfigurationOption(
      "store.durability", \.store.durability, .word(),
      "What an acknowledged span survives: power (a loss of power: commits are synced to the disk) or process (the end "
        + "of the process, however sudden, but not always a loss of power)."),
    ConfigurationOption(
      "store.readers", \.store.readers, .integer(1...64),
      "How many queries run at the same time, each on a thread of its own."),
    ConfigurationOption(
      "store.busy_timeout", \.store.busyTimeout, .duration,
      "How long a lock that another program holds on the database is waited for."),
    ConfigurationOption(
      "store.checkpoint_bytes", \.store.checkpointBytes, .bytes(1 << 16...1 << 40),
      "The size of the write-ahead log from which on it is copied back into the database."),
    ConfigurationOption(
      "store.discard", \.store.discard, .boolean,
      "LOSES EVERYTHING: spans are decoded, acknowledged and thrown away. For benchmarks of the receivers alone; a "
        + "warning is logged at every start."),
  ]
}
