import Logging
import Metrics
import SQLiteStore
import TraceStore

/// Shows how the store is doing, and logs when it begins or ceases to fail.
enum StoreMetrics {
  static func register(_ store: SQLiteStore, _ registry: MetricsRegistry, _ logger: Logger) {
    registry.gauge("fulgurite_write_queue_bytes", "Bytes of spans that wait for the writer or are being written.") {
      Double(store.statistics.queueBytes)
    }
    registry.gauge("fulgurite_database_bytes", "Size of the database file.") {
      Double(store.statistics.databaseBytes)
    }
    registry.gauge("fulgurite_wal_bytes", "Size of the write-ahead log beside the database file.") {
      Double(store.statistics.walBytes)
    }
    registry.gauge("fulgurite_store_failing", "1 while the store cannot write, else 0.") {
      store.failure == nil ? 0 : 1
    }
    registry.gauge("fulgurite_rollout_waits", "Requests that wait for rollouts to finish.") {
      Double(store.finishedRollouts.waits)
    }
    registry.gauge("fulgurite_retag_waits", "Requests that wait for spans to be tagged anew.") {
      Double(store.retags.waits)
    }
    let commits = registry.histogram(
      "fulgurite_commit_seconds", "How long transactions take, from their first write to their acknowledgement.",
      bounds: Histogram.latencyBounds)
    let failures = registry.counter("fulgurite_store_failures_total", "Transactions that failed.")
    let checkpointFailures = registry.counter(
      "fulgurite_checkpoint_failures_total", "Checkpoints that failed: the WAL was not copied into the database.")
    let limiter = LogLimiter()
    store.listen(
      toCommits: { commits.observe($0) },
      failures: { failure in
        guard let failure else { return logger.info("the store works again") }
        failures.increment()
        limiter.log(
          logger, .error, "the store cannot write, senders are asked to try again",
          ["reason": .text(failure.code.description), "cause": .text(failure.message)])
      },
      checkpointFailures: { failure in
        guard let failure else { return logger.info("the write-ahead log is copied into the database again") }
        checkpointFailures.increment()
        limiter.log(
          logger, .error, "the write-ahead log cannot be copied into the database, it grows meanwhile",
          ["reason": .text(failure.code.description), "cause": .text(failure.message)])
      })
  }
}
