package import Logging
package import Metrics
import Threads
package import TraceStore
package import Transport

/// Sends stored spans on to other receivers of OTLP.
package final class Forwarder: Sendable {
  /// A target and how it is doing.
  package struct Entry: Sendable {
    package var target: ForwardTarget
    package var status: TargetStatus
  }

  /// The targets that are configured, by name.
  package let entries: [Entry]
  private let others: Locked<[ForwarderRecord]>
  private let store: any ForwardStore
  /// Made only when there is somewhere to send to.
  private let client: HTTPClient?
  private let activation: Task<[ForwarderRecord], Never>
  private let workers: [Task<Void, Never>]
  private let now: @Sendable () -> Int64

  /// Makes these targets the active ones, and starts to send.
  ///
  /// Without targets it only makes those that were active before inactive.
  package init(
    _ targets: [ForwardTarget], store: any ForwardStore, loops: EventLoopGroup, version: String,
    registry: MetricsRegistry, logger: Logger, now: @escaping @Sendable () -> Int64
  ) async throws {
    self.store = store
    self.now = now
    let client = targets.isEmpty ? nil : try await HTTPClient(group: loops)
    self.client = client
    let others = Locked<[ForwarderRecord]>([])
    self.others = others
    let new = targets.map {
      NewForwarder(name: $0.name, startsAtOldest: $0.startsAtOldest, resendsRetagged: $0.resendsRetagged)
    }
    // Known from the start, as a rule: a store that cannot write is no reason not to start.
    let known = try? await store.activate(new)
    let activation = Self.activation(new, known, store, loops.loops[0], logger, others)
    let helpers = HelperThreads(name: "forward", count: 1)
    var workers = [Task { _ = await activation.value }]
    var entries: [Entry] = []
    for (index, target) in targets.enumerated() {
      guard let client else { break }
      let status = TargetStatus(lastArrival: store.arrivals.value)
      if let record = known?.first(where: { $0.name == target.name }) { status.begin(record) }
      let loop = loops.loops[index % loops.loops.count]
      let worker = TargetWorker(
        target: target, store: store,
        client: ExportClient(target, client: client, version: version, now: now), helpers: helpers, loop: loop,
        status: status, report: ForwardReport(target, logger), now: now)
      entries.append(Entry(target: target, status: status))
      workers.append(
        Task(executorPreference: loop) {
          let records = await withTaskCancellationHandler {
            await activation.value
          } onCancel: {
            activation.cancel()
          }
          guard let record = records.first(where: { $0.name == target.name }) else { return }
          status.begin(record)
          await worker.run(from: record)
        })
    }
    self.entries = entries
    self.workers = workers
    self.activation = activation
    ForwarderMetrics.register(self, registry)
  }

  /// Makes the targets the active ones, as soon as the store can write.
  private static func activation(
    _ new: [NewForwarder], _ known: [ForwarderRecord]?, _ store: any ForwardStore, _ loop: EventLoop, _ logger: Logger,
    _ others: Locked<[ForwarderRecord]>
  ) -> Task<[ForwarderRecord], Never> {
    others.withLock { $0 = known?.filter { !$0.isActive } ?? [] }
    let limiter = LogLimiter(interval: .seconds(60))
    return Task(executorPreference: loop) {
      if let known { return known }
      while !Task.isCancelled {
        do throws(StoreError) {
          let records = try await store.activate(new)
          others.withLock { $0 = records.filter { !$0.isActive } }
          return records
        } catch {
          limiter.log(logger, .warning, "forwarding waits for the store", ["cause": .text(error.message)])
          try? await loop.sleep(for: .seconds(1))
        }
      }
      return []
    }
  }

  /// Targets that were configured once, and have kept their place.
  package var inactive: [ForwarderRecord] { others.withLock { $0 } }

  /// The number of the last span that was stored.
  var lastArrival: Int64 { store.arrivals.value }

  /// Nanoseconds since 1970.
  var time: Int64 { now() }

  /// Lets requests that are under way end within the time, keeps what they have done, and stops.
  package func stop(within time: Duration, sleep: @escaping @Sendable (Duration) async -> Void) async {
    activation.cancel()
    for worker in workers { worker.cancel() }
    let client = client
    let cutting = Task {
      await sleep(time)
      await client?.shutdown()
    }
    for worker in workers { await worker.value }
    cutting.cancel()
    await cutting.value
  }
}
