import Threads
import TraceStore
import Transport

extension TargetWorker {
  /// What a page looks through, in relation to what it keeps: a filter can leave little.
  private static let scanning = 8
  /// Spans that are sent again at once.
  private static let outboxPage = 1_000

  func read(_ progress: Progress, after position: ForwardPosition) async throws(StoreError) -> PreparedPage {
    let limits = ForwardPageLimits(
      keptBytes: target.batchBytes, scannedBytes: max(target.batchBytes, 1 << 20) * Self.scanning)
    let (filter, forwarder) = (target.filter, target.resendsRetagged ? progress.id : 0)
    let page = try await store.readLog { session throws(StoreError) in
      try session.page(after: position, limits, forwarder: forwarder) { filter.wants($0) }
    }
    return await prepare(page, progress)
  }

  func readOutbox(_ progress: Progress) async throws(StoreError) -> PreparedPage {
    let (filter, id, cursor) = (target.filter, progress.id, progress.position.cursor)
    let page = try await store.readLog { session throws(StoreError) in
      try session.outbox(of: id, upTo: cursor, limit: Self.outboxPage) { filter.wants($0) }
    }
    return await prepare(page, progress)
  }

  private func prepare(_ page: ForwardPage, _ progress: Progress) async -> PreparedPage {
    let (target, limits) = (target, limits(progress))
    return await helpers.run { PreparedPage(page, target, limits) }
  }

  func limits(_ progress: Progress) -> DeliveryPlan.Limits {
    DeliveryPlan.Limits(spans: progress.link.allowance, bytes: target.batchBytes)
  }

  /// Reads the page behind one that is sent, so that it is there when the target has answered.
  func readAhead(_ page: ForwardPage, _ progress: inout Progress) {
    guard !page.reachesEnd, progress.link.isTrusted else { return }
    var position = progress.position
    position.cursor = page.end
    let (next, known) = (position, progress)
    progress.ahead = PageAhead(
      cursor: page.end, page: Task(executorPreference: loop) { try? await read(known, after: next) })
  }
}
