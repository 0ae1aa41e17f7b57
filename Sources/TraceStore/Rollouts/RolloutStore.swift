package import Telemetry

/// Takes rollouts through their states.
///
/// Each call is one transaction in the same order of events as the spans, and returns after its commit, like
/// ``SpanWriter/append(_:)``. AGL store contract, sections 6 to 9.
package protocol RolloutStore: Sendable {
  /// Puts new rollouts at the end of the queue, in this order.
  func enqueue(_ rollouts: [NewRollout], once: RequestKey?) async throws(RolloutFault) -> [Rollout]

  /// Makes a rollout and its first attempt, past the queue.
  func start(_ rollout: NewRollout, worker: String?, once: RequestKey?) async throws(RolloutFault) -> AttemptedRollout

  /// Takes at most `limit` rollouts from the queue, and makes an attempt for each; none only when none waits.
  ///
  /// A limit below 1 takes nothing, and does not count as a question of the worker either.
  func dequeue(limit: Int, worker: String?, once: RequestKey?) async throws(RolloutFault) -> [AttemptedRollout]

  /// Makes another attempt, whatever has become of the rollout so far.
  func startAttempt(of rollout: String, worker: String?, once: RequestKey?) async throws(RolloutFault)
    -> AttemptedRollout

  /// Changes a rollout.
  func update(rollout: String, _ change: RolloutChange) async throws(RolloutFault) -> Rollout

  /// Changes an attempt, and its rollout with it when it is the latest one.
  func update(attempt: AttemptReference, of rollout: String, _ change: AttemptChange) async throws(RolloutFault)
    -> Attempt

  /// Notes a sign of life of a worker, which need not be known.
  ///
  /// - Parameter stats: `nil` leaves the last ones.
  func heartbeat(ofWorker worker: String, stats: JSONText?) async throws(RolloutFault) -> Worker

  /// Stores resources under an id, a new one if none is given.
  func store(resources: JSONText, as id: String?, once: RequestKey?) async throws(RolloutFault) -> ResourcesUpdate

  /// Takes the next number for a span of a rollout, which need not be known.
  func nextSequence(rollout: String, attempt: String, once: RequestKey?) async throws(RolloutFault) -> Int64

  /// Stores a span that names its rollout and attempt itself, unless its attempt has one of that id.
  ///
  /// - Returns: Whether it is new.
  func add(_ span: NewSpan) async throws(RolloutFault) -> Bool

  /// Looks for attempts that are late or silent.
  ///
  /// Costs nothing while none can be.
  ///
  /// - Parameter debounced: Whether it is left out when it was done a moment ago, as before the calls of clients, which
  ///   can be many.
  func findLateAttempts(debounced: Bool) async throws(RolloutFault)

  /// Tells when rollouts have finished.
  var finishedRollouts: RolloutWatch { get }
}

extension RolloutStore {
  /// Looks for attempts that are late or silent before the call of a client, unless that was done a moment ago.
  package func findLateAttempts() async throws(RolloutFault) { try await findLateAttempts(debounced: true) }
}

/// Why a call failed.
package enum RolloutFault: Error, Hashable, Sendable {
  /// The rollout or the attempt is not known; the message says which.
  case notFound(String)
  /// The key of the request was used for another one.
  case keyReused
  case store(StoreError)
}

/// A rollout that is to be made.
package struct NewRollout: Hashable, Sendable {
  package var input: JSONText
  package var mode: RolloutMode?
  /// `nil` = the latest ones.
  package var resourcesID: String?
  package var config: RolloutConfig
  package var metadata: JSONText

  package init(
    input: JSONText, mode: RolloutMode? = nil, resourcesID: String? = nil, config: RolloutConfig = RolloutConfig(),
    metadata: JSONText = .emptyObject
  ) {
    self.input = input
    self.mode = mode
    self.resourcesID = resourcesID
    self.config = config
    self.metadata = metadata
  }
}

/// What is to become of a rollout; `nil` = as it is.
package struct RolloutChange: Hashable, Sendable {
  package var input: JSONText?
  package var mode: RolloutMode??
  package var resourcesID: String??
  package var status: RolloutStatus?
  package var config: RolloutConfig?
  package var metadata: JSONText??

  package init() {}
}

/// What is to become of an attempt; `nil` = as it is.
package struct AttemptChange: Hashable, Sendable {
  package var status: AttemptStatus?
  package var workerID: String?
  package var lastHeartbeatTime: Double?
  package var metadata: JSONText?

  package init() {}
}

/// One attempt of a rollout.
package enum AttemptReference: Hashable, Sendable {
  case latest
  case id(String)
}

/// What a client calls a request, so that the store can tell when it is sent again.
///
/// A repeat within a day has the effect and the answer of the first.
package struct RequestKey: Hashable, Sendable {
  /// The client's name for it.
  package var key: String
  /// Of what was asked; another request under the same key is refused.
  package var fingerprint: Int64

  package init(key: String, fingerprint: Int64) {
    self.key = key
    self.fingerprint = fingerprint
  }
}

/// A span with the ids that its client gave it, which can be any text.
package struct NewSpan: Sendable {
  package var rolloutID: String
  package var attemptID: String
  package var sequence: Int64
  package var traceID: String
  package var spanID: String
  package var parentID: String?
  /// The span alone, as the log keeps it.
  package var batch: SpanBatch

  package init(
    rolloutID: String, attemptID: String, sequence: Int64, traceID: String, spanID: String, parentID: String?,
    batch: SpanBatch
  ) {
    self.rolloutID = rolloutID
    self.attemptID = attemptID
    self.sequence = sequence
    self.traceID = traceID
    self.spanID = spanID
    self.parentID = parentID
    self.batch = batch
  }
}
