import Synchronization

/// The counters behind ``HTTPServerStatistics``, shared by the loops.
final class ServerCounters: Sendable {
  let openConnections = Atomic<Int>(0)
  let acceptedConnections = Atomic<Int>(0)
  let refusedConnections = Atomic<Int>(0)
  let acceptPauses = Atomic<Int>(0)
  let http1Requests = Atomic<Int>(0)
  let http2Requests = Atomic<Int>(0)
  let malformedRequests = Atomic<Int>(0)
  let oversizedHeaders = Atomic<Int>(0)
  let timeouts = Atomic<Int>(0)
  let floods = Atomic<Int>(0)

  /// The counters now; they are read one after the other, so they may be a few events apart.
  var snapshot: HTTPServerStatistics {
    var statistics = HTTPServerStatistics()
    statistics.openConnections = openConnections.load(ordering: .relaxed)
    statistics.acceptedConnections = acceptedConnections.load(ordering: .relaxed)
    statistics.refusedConnections = refusedConnections.load(ordering: .relaxed)
    statistics.acceptPauses = acceptPauses.load(ordering: .relaxed)
    statistics.http1Requests = http1Requests.load(ordering: .relaxed)
    statistics.http2Requests = http2Requests.load(ordering: .relaxed)
    statistics.malformedRequests = malformedRequests.load(ordering: .relaxed)
    statistics.oversizedHeaders = oversizedHeaders.load(ordering: .relaxed)
    statistics.timeouts = timeouts.load(ordering: .relaxed)
    statistics.floods = floods.load(ordering: .relaxed)
    return statistics
  }
}

extension Atomic<Int> {
  /// Counts one event.
  borrowing func increment() { add(1, ordering: .relaxed) }
  borrowing func decrement() { subtract(1, ordering: .relaxed) }
}
