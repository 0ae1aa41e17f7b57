import Logging
import Threads
import TraceStore
import Transport

/// Sends the spans of the store to one target, one request after the other.
///
/// The store is the queue: what is not done is ahead of the cursor, and read again after whatever happens. A request
/// whose answer was lost is sent again, so a target gets each span at least once.
struct TargetWorker: Sendable {
  let target: ForwardTarget
  let store: any ForwardStore
  let client: ExportClient
  /// Writes and compresses requests: too long for an event loop.
  let helpers: HelperThreads
  let loop: EventLoop
  let status: TargetStatus
  let report: ForwardReport
  /// Nanoseconds since 1970.
  let now: @Sendable () -> Int64

  /// What it knows while it runs.
  struct Progress {
    /// Its row in the store.
    let id: Int64
    var position: ForwardPosition
    var link: TargetLink
    var backOff: BackOff
    var ahead: PageAhead?

    /// Takes the page that was read ahead, if it is the next one.
    mutating func takeAhead() async -> PreparedPage? {
      guard let ahead = ahead.take(), let page = await ahead.page.value else { return nil }
      return ahead.cursor == position.cursor ? page : nil
    }
  }

  /// Runs until its task is cancelled.
  func run(from record: ForwarderRecord) async {
    var progress = Progress(
      id: record.id, position: record.position, link: TargetLink(largest: target.batchSpans),
      backOff: BackOff(target.backOff))
    while !Task.isCancelled {
      do throws(StoreError) {
        if try await !step(&progress) { await sleep(target.interval) }
      } catch {
        report.storeFails(error)
        await sleep(.seconds(1))
      }
    }
    _ = await progress.takeAhead()
  }

  /// Sends what is there, up to a page.
  ///
  /// - Returns: Whether there is more to do at once.
  private func step(_ progress: inout Progress) async throws(StoreError) -> Bool {
    guard target.resendsRetagged || store.arrivals.value > progress.position.cursor else {
      status.waits(since: nil)
      return false
    }
    let prepared: PreparedPage
    if let ahead = await progress.takeAhead() {
      prepared = ahead
    } else {
      prepared = try await read(progress, after: progress.position)
    }
    let page = prepared.page
    let isNew = page.end > progress.position.cursor
    report.damaged(page.damagedSegments)
    status.waits(since: page.oldestArrival)
    let isDelivered = isNew ? await deliver(prepared, .log(after: progress.position), &progress) : true
    guard isDelivered, page.newestOutboxEntry > 0 else {
      return !isDelivered || isNew && !page.reachesEnd
    }
    return await resend(&progress, try await readOutbox(progress))
  }

  private func resend(_ progress: inout Progress, _ page: PreparedPage) async -> Bool {
    guard page.page.end > 0 else { return false }
    return await deliver(page, .outbox(cursor: progress.position.cursor), &progress)
  }

  // MARK: One page

  /// Sends a page.
  ///
  /// - Returns: `false` when it has to be read anew: the target was not there for a while, or the task is cancelled.
  private func deliver(_ prepared: PreparedPage, _ origin: PageLedger.Origin, _ progress: inout Progress) async -> Bool
  {
    let (page, encoder) = (prepared.page, prepared.encoder)
    var ledger = PageLedger(page, origin)
    var plan = DeliveryPlan(prepared.costs)
    if case .log = origin { readAhead(page, &progress) }
    while let range = plan.next(limits(progress)) {
      guard !Task.isCancelled else { return false }
      switch await send(range, encoder, prepared.body(range)) {
      case .accepted(let rejected, let message):
        accept(&progress)
        ledger.sent(range.count, rejected: min(rejected, Int64(range.count)))
        if rejected > 0 || !message.isEmpty { report.partialSuccess(rejected, message) }
        plan.finish(range)
      case .unavailable(let fault):
        await pause(&progress, fault, isTargetsFault: false)
        return false
      case .misconfigured(let fault):
        await pause(&progress, fault, isTargetsFault: true)
        return false
      case .failing(let fault) where !progress.link.failed():
        await pause(&progress, fault, isTargetsFault: false)
        return false
      case .failing(let fault), .refused(let fault):
        if range.count > 1 {
          plan.split(range)
          continue
        }
        guard await judge(range, encoder, page.spans.count, fault, &progress) else { return false }
        ledger.refused()
        report.refused(page.spans[range.lowerBound], fault)
        status.refuses(fault.message, now: now())
        plan.finish(range)
      }
      await keep(ledger.step(done: plan.done), &progress, origin)
    }
    // A page without a span that is wanted moves the cursor all the same.
    if page.spans.isEmpty { await keep(ledger.step(done: 0), &progress, origin) }
    return !Task.isCancelled
  }

  private func accept(_ progress: inout Progress) {
    progress.link.accepted()
    progress.backOff.reset()
    if status.works() { report.works() }
  }

  /// Whether a single span is to be given up that was refused.
  ///
  /// Only if the target takes another span now, and refuses this one once more: a target that takes nothing has a fault of
  /// its own, and nobody's spans are given up for that.
  private func judge(
    _ range: Range<Int>, _ encoder: BatchEncoder, _ count: Int, _ fault: ExportFault, _ progress: inout Progress
  ) async -> Bool {
    for other in Set([count - 1, count / 2, 0]).sorted(by: >) where other != range.lowerBound {
      guard case .accepted = await send(other..<other + 1, encoder) else { continue }
      switch await send(range, encoder) {
      case .refused, .failing: return true
      case .accepted:
        // It is sent once more with what comes next.
        accept(&progress)
        return false
      case .unavailable(let fault), .misconfigured(let fault):
        await pause(&progress, fault, isTargetsFault: false)
        return false
      }
    }
    await pause(&progress, fault, isTargetsFault: true)
    return false
  }

  /// Sends some spans, to the end also when the task is cancelled meanwhile: what is under way may arrive.
  ///
  /// - Parameter prepared: The body, if it is there.
  private func send(_ range: Range<Int>, _ encoder: BatchEncoder, _ prepared: [UInt8]? = nil) async -> ExportVerdict {
    let (target, client) = (target, client)
    var made = prepared
    if made == nil { made = await helpers.run { RequestBody.make(encoder.message(range), target) } }
    let body = made ?? []
    status.willSend(bytes: body.count)
    return await Task(executorPreference: loop) { await client.export(body) }.value
  }

  /// Waits until the target is to be tried again.
  private func pause(_ progress: inout Progress, _ fault: ExportFault, isTargetsFault: Bool) async {
    progress.link.unavailable()
    guard !Task.isCancelled else { return }
    let wait = progress.backOff.next(requested: fault.retryAfter, random: .random(in: 0..<1))
    let nanoseconds = Int64(wait / .nanoseconds(1))
    let worked = status.fails(fault.message, now: now(), nextTry: now() + nanoseconds)
    report.fails(fault, next: wait, isFirst: worked, isTargetsFault: isTargetsFault)
    await sleep(wait)
  }

  /// Keeps a step; the next request goes out when that is done, so that a crash resends one at most.
  private func keep(_ step: ForwardStep, _ progress: inout Progress, _ origin: PageLedger.Origin) async {
    while true {
      do throws(StoreError) {
        try await store.advance(progress.id, step)
        break
      } catch {
        report.storeFails(error)
        if error.code == .closing || Task.isCancelled { return }
        await sleep(.milliseconds(500))
      }
    }
    if case .log = origin { progress.position.cursor = step.cursor }
    status.advanced(to: progress.position, step.counts)
  }

  private func sleep(_ duration: Duration) async { try? await loop.sleep(for: duration) }
}
