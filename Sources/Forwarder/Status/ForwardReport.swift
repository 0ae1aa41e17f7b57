import Logging
import TraceStore

/// Writes into the log how a target is doing: changes at once, what repeats now and then.
final class ForwardReport: Sendable {
  private let logger: Logger
  private let partial = LogLimiter()
  private let refusals = LogLimiter()
  private let failures = LogLimiter(interval: .seconds(60))
  private let faults = LogLimiter(interval: .seconds(60))
  private let store = LogLimiter()

  init(_ target: ForwardTarget, _ logger: Logger) {
    self.logger = logger.with(["target": .text(target.name)])
  }

  func works() { logger.info("the forwarding target takes spans again") }

  func fails(_ fault: ExportFault, next: Duration, isFirst: Bool, isTargetsFault: Bool) {
    let fields: LogFields = ["cause": .text(fault.message), "next_try": .duration(next)]
    if isTargetsFault {
      faults.log(
        logger, .error, "the forwarding target refuses everything, nothing is given up: check its configuration",
        fields)
    } else if isFirst {
      logger.warning("the forwarding target takes no spans, they wait in the store", fields)
    } else {
      failures.log(logger, .warning, "the forwarding target still takes no spans", fields)
    }
  }

  func partialSuccess(_ rejected: Int64, _ message: String) {
    partial.log(
      logger, .warning, "the forwarding target has not taken all spans of a request",
      ["rejected": .integer(rejected), "cause": .text(message)])
  }

  func refused(_ span: ForwardSpan, _ fault: ExportFault) {
    refusals.log(
      logger, .warning, "a span was given up that the forwarding target refuses",
      ["arrival": .integer(span.arrival), "cause": .text(fault.message)])
  }

  func damaged(_ segments: [Int64]) {
    for segment in segments {
      logger.error("a segment of the store is damaged, its spans are not forwarded", ["segment": .integer(segment)])
    }
  }

  func storeFails(_ error: StoreError) {
    guard error.code != .closing else { return }
    store.log(
      logger, .warning, "forwarding waits for the store",
      ["reason": .text(error.code.description), "cause": .text(error.message)])
  }
}
