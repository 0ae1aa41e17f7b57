import Logging
import Metrics
import SQLiteStore
import TraceStore

/// Shows what retention does, and logs what operators are to hear of.
enum RetentionMetrics {
  static func register(_ store: SQLiteStore, _ registry: MetricsRegistry, _ logger: Logger) {
    registerCounts(store, registry)
    registry.gauge("fulgurite_retention_failing", "1 while retention cannot go on, else 0.") {
      store.retentionStatistics.failure == nil ? 0 : 1
    }
    registry.gauge(
      "fulgurite_retention_over_limit",
      "1 while the database is larger than retention.max_bytes and nothing more may be deleted, else 0."
    ) {
      store.retentionStatistics.isOverLimit ? 1 : 0
    }
    registry.gauge(
      "fulgurite_retention_clock_jumped", "1 while nothing is deleted by its age because the clock has jumped, else 0."
    ) {
      store.retentionStatistics.waitsForClock ? 1 : 0
    }
    let limiter = LogLimiter()
    store.listen(toRetention: { log($0, logger, limiter) })
  }

  private static func registerCounts(_ store: SQLiteStore, _ registry: MetricsRegistry) {
    let count = { (name: String, help: String, read: @escaping @Sendable (RetentionTally) -> Int) in
      registry.counter("fulgurite_retention_\(name)_total", help) { UInt64(read(store.retentionStatistics.tally)) }
    }
    for reason in RetentionTally.Reason.allCases {
      registry.counter(
        "fulgurite_retention_deleted_spans_total", "Spans that retention deleted, by the limit that they were beyond.",
        labels: ["reason": reason.rawValue]
      ) {
        UInt64(store.retentionStatistics.tally.spansByReason[reason] ?? 0)
      }
    }
    count("deleted_rollouts", "Rollouts that retention deleted.") { $0.rollouts }
    count("undelivered_spans", "Spans that were deleted before every forwarder had delivered them.") { $0.undelivered }
    count("stripped_spans", "Spans that have lost their prompts and completions.") { $0.stripped }
    count("moved_spans", "Spans that were moved into other segments.") { $0.moved }
    count("freed_bytes", "Bytes that went back to the file system.") { $0.freedBytes }
    registry.counter("fulgurite_retention_passes_total", "Looks at the whole store that came to their end.") {
      UInt64(store.retentionStatistics.passes)
    }
  }

  private static func log(_ event: RetentionEvent, _ logger: Logger, _ limiter: LogLimiter) {
    switch event {
    case .failed(let error):
      limiter.log(
        logger, .error, "retention cannot go on, it tries again",
        ["reason": .text(error.code.description), "cause": .text(error.message)])
    case .works: logger.info("retention works again")
    case .isOverLimit:
      logger.error(
        "the database is larger than retention.max_bytes, and what is left is pinned, running or not forwarded")
    case .hasRoom: logger.info("the database is within retention.max_bytes again")
    case .clockHasJumped(let grace):
      logger.warning(
        "the clock is far ahead of the last span or of the time that has passed: nothing is deleted by its age for now",
        ["for": .text("\(grace.components.seconds) s")])
    case .clockIsTrusted: logger.info("the clock is believed again: what is too old is deleted")
    case .undelivered(let count):
      limiter.log(
        logger, .warning, "spans were deleted that a forwarder has not delivered within forward.max_lag",
        ["spans": .text("\(count)")])
    }
  }
}
