import FaultVFS
import Foundation
import SQLite
import SQLiteStore
import SeededRandom
import Synchronization
import Telemetry
import Testing
import TraceStore

/// A walk of random operations, done to a store and to a model alike.
struct RolloutWalk {
  private(set) var model = RolloutModel()
  private var names = RolloutNames()
  var random: SplitMix64
  private let clock = WalkClock()
  private let database: String
  private let vfs: String?

  init(seed: UInt64, _ folder: TemporaryFolder, _ disk: FaultVFS? = nil) {
    random = SplitMix64(seed: seed)
    database = folder.database.path
    vfs = disk?.name
  }

  var options: SQLiteStoreOptions {
    var options = SQLiteStoreOptions()
    options.vfs = vfs
    options.watchdogDebounce = .zero
    options.now = { [clock] in clock.nanoseconds.load(ordering: .relaxed) }
    return options
  }

  private var now: Double { Double(clock.nanoseconds.load(ordering: .relaxed)) / 1e9 }

  // MARK: Comparison

  mutating func compare(_ store: SQLiteStore) async throws {
    let (found, names) = try await read(store)
    #expect(found == model)
    self.names = names
  }

  /// Finds out what a store holds after a crash, and goes on from there.
  ///
  /// - Parameter before: What the model was before an operation whose end is not known.
  mutating func settle(_ store: SQLiteStore, before: RolloutModel?) async throws {
    let (found, names) = try await read(store)
    self.names = names
    if let before, found == before { model = before }
    #expect(found == model)
  }

  private func read(_ store: SQLiteStore) async throws -> (RolloutModel, RolloutNames) {
    let (visible, names) = try await RolloutModel.read(store)
    var model = visible
    try model.readHidden(Connection(path: database, access: .existing, vfs: vfs), names)
    return (model, names)
  }

  // MARK: Operations

  /// Does one operation, first to the model.
  mutating func step(_ store: SQLiteStore) async throws {
    if Bool.random(using: &random) { clock.advance(quarters: Int64.random(in: 1...12, using: &random)) }
    switch Int.random(in: 0..<16, using: &random) {
    case 0: try await enqueue(store)
    case 1: try await start(store)
    case 2, 3, 4: try await dequeue(store)
    case 5: try await startAttempt(store)
    case 6, 7: try await updateRollout(store)
    case 8, 9, 10: try await updateAttempt(store)
    case 11, 12, 13: try await addSpan(store)
    case 14: try await others(store)
    default: try await refused(store)
    }
  }

  private mutating func enqueue(_ store: SQLiteStore) async throws {
    let new = (0..<Int.random(in: 0...3, using: &random)).map { _ in newRollout() }
    model.enqueue(new, now)
    let made = try await store.enqueue(new, once: nil)
    #expect(made.map(\.status) == new.map { _ in .queuing })
    try await learn(store)
  }

  private mutating func start(_ store: SQLiteStore) async throws {
    let new = newRollout()
    let worker = worker()
    model.start(new, worker, now)
    _ = try await store.start(new, worker: worker, once: nil)
    try await learn(store)
  }

  private mutating func dequeue(_ store: SQLiteStore) async throws {
    let limit = Int.random(in: 0...3, using: &random)
    let worker = worker()
    let expected = model.dequeue(limit, worker, now)
    let taken = try await store.dequeue(limit: limit, worker: worker, once: nil)
    #expect(taken.map(\.rollout.id) == expected.map { names.rollouts[$0] })
    try await learn(store)
  }

  private mutating func startAttempt(_ store: SQLiteStore) async throws {
    guard let task = task() else { return }
    let worker = worker()
    model.startAttempt(task, worker, now)
    _ = try await store.startAttempt(of: names.rollouts[task], worker: worker, once: nil)
    try await learn(store)
  }

  private mutating func updateRollout(_ store: SQLiteStore) async throws {
    guard let task = task() else { return }
    var change = RolloutChange()
    if Bool.random(using: &random) { change.status = RolloutStatus.allCases.randomElement(using: &random) }
    if chance(5) { change.input = JSONText("\"\(Int.random(in: 0...9, using: &random))\"") }
    if chance(5) { change.mode = .some(RolloutMode.allCases.randomElement(using: &random)) }
    if chance(5) { change.resourcesID = .some(Bool.random(using: &random) ? nil : "mine") }
    if chance(4) { change.config = config() }
    if chance(5) { change.metadata = .some(Bool.random(using: &random) ? nil : JSONText("{\"a\": 1}")) }
    model.update(task, change, now)
    _ = try await store.update(rollout: names.rollouts[task], change)
  }

  private mutating func updateAttempt(_ store: SQLiteStore) async throws {
    guard let task = task() else { return }
    var change = AttemptChange()
    if !chance(4) { change.status = AttemptStatus.allCases.randomElement(using: &random) }
    if chance(4) { change.workerID = worker() ?? "" }
    if chance(6) { change.lastHeartbeatTime = now - Double(Int.random(in: -40...40, using: &random)) / 4 }
    if chance(6) { change.metadata = JSONText("{\"phase\":\(Int.random(in: 0...9, using: &random))}") }
    let tries = model.tasks[task].tries.count
    let attempt = tries > 0 && Bool.random(using: &random) ? Int.random(in: 0..<tries, using: &random) : nil
    let reference = attempt.map { AttemptReference.id(names.attempts[task][$0]) } ?? .latest
    let exists = model.update(task, attempt: attempt, change, now)
    do {
      _ = try await store.update(attempt: reference, of: names.rollouts[task], change)
      #expect(exists)
    } catch {
      try Self.rethrow(error)
      #expect(!exists)
      #expect(error == .notFound("No attempts found for rollout \(names.rollouts[task])"))
    }
  }

  private mutating func addSpan(_ store: SQLiteStore) async throws {
    guard let task = task(), !model.tasks[task].tries.isEmpty else { return }
    let attempt = Int.random(in: 0..<model.tasks[task].tries.count, using: &random)
    let number = UInt64.random(in: 1...12, using: &random)
    let sequence = Int64.random(in: -3...20, using: &random)
    let (rollout, attemptID) = (names.rollouts[task], names.attempts[task][attempt])
    let span = TestSpan(trace: UInt64(task), number).with {
      $0.attributes = [
        ("agentlightning.rollout_id", .string(rollout)), ("agentlightning.attempt_id", .string(attemptID)),
        ("agentlightning.span_sequence_id", .int(sequence)),
      ]
    }
    let isNew = model.add(task, attempt, span: number, sequence: sequence, now)
    let new = NewSpan(
      rolloutID: rollout, attemptID: attemptID, sequence: sequence, traceID: span.traceID.description,
      spanID: span.spanID.description, parentID: nil, batch: try batch([span]))
    #expect(try await store.add(new) == isNew)
  }

  private mutating func others(_ store: SQLiteStore) async throws {
    switch Int.random(in: 0..<5, using: &random) {
    case 0:
      let stats = Bool.random(using: &random) ? JSONText("{\"cpu\": 1}") : nil
      model.heartbeat("w0", stats?.text, now)
      _ = try await store.heartbeat(ofWorker: "w0", stats: stats)
    case 1:
      let name = Bool.random(using: &random) ? nil : ["mine", "other"].randomElement(using: &random)
      model.store("{}", as: name, now)
      _ = try await store.store(resources: .emptyObject, as: name, once: nil)
      try await learn(store)
    case 2:
      guard let task = task() else { return }
      let expected = model.nextSequence(task)
      #expect(try await store.nextSequence(rollout: names.rollouts[task], attempt: "any", once: nil) == expected)
    case 3:
      let expected = model.nextSequence(stranger: "stranger")
      #expect(try await store.nextSequence(rollout: "stranger", attempt: "any", once: nil) == expected)
    default:
      model.findLate(now)
      try await store.findLateAttempts()
    }
  }

  /// What is refused changes nothing, but for attempts that are late and numbers of spans.
  private mutating func refused(_ store: SQLiteStore) async throws {
    if let task = task(), Bool.random(using: &random) { return try await refusedSpan(task, store) }
    model.findLate(now)
    do {
      _ = try await store.startAttempt(of: "nobody", worker: nil, once: nil)
      Issue.record("nobody has an attempt")
    } catch {
      try Self.rethrow(error)
      #expect(error == .notFound("Rollout nobody not found"))
    }
  }

  private mutating func refusedSpan(_ task: Int, _ store: SQLiteStore) async throws {
    let sequence = Int64.random(in: -3...40, using: &random)
    model.tasks[task].lastSequence = max(model.tasks[task].lastSequence, sequence)
    let new = NewSpan(
      rolloutID: names.rollouts[task], attemptID: "nobody", sequence: sequence, traceID: "t", spanID: "s",
      parentID: nil,
      batch: try batch([TestSpan(1)]))
    do {
      _ = try await store.add(new)
      Issue.record("nobody has a span")
    } catch {
      try Self.rethrow(error)
      #expect(error == .notFound("Attempt nobody not found for rollout \(names.rollouts[task])"))
    }
  }

  /// Failures of the store end the walk.
  private static func rethrow(_ fault: RolloutFault) throws {
    if case .store(let error) = fault { throw error }
  }

  // MARK: Choices

  private mutating func chance(_ outOf: Int) -> Bool { Int.random(in: 0..<outOf, using: &random) == 0 }

  private mutating func task() -> Int? { model.tasks.isEmpty ? nil : model.tasks.indices.randomElement(using: &random) }

  private mutating func worker() -> String? { [nil, "", "w0", "w1"].randomElement(using: &random)! }

  private mutating func newRollout() -> NewRollout {
    NewRollout(
      input: JSONText("{\"n\": \(Int.random(in: 0...99, using: &random))}"),
      mode: RolloutMode.allCases.randomElement(using: &random), resourcesID: chance(3) ? "mine" : nil,
      config: config())
  }

  private mutating func config() -> RolloutConfig {
    RolloutConfig(
      timeoutSeconds: chance(3) ? Double(Int.random(in: 1...20, using: &random)) : nil,
      unresponsiveSeconds: chance(3) ? Double(Int.random(in: 1...8, using: &random)) : nil,
      maxAttempts: Int64.random(in: 1...4, using: &random),
      retryCondition: AttemptStatus.allCases.filter { _ in Bool.random(using: &random) })
  }

  /// Learns the ids of what was made.
  private mutating func learn(_ store: SQLiteStore) async throws { names = try await RolloutModel.read(store).1 }
}

/// A wall clock that stands between the operations, so that they can be told to the model.
private final class WalkClock: Sendable {
  let nanoseconds = Atomic<Int64>(1_700_000_000 * 1_000_000_000)

  func advance(quarters: Int64) { nanoseconds.add(quarters * 250_000_000, ordering: .relaxed) }
}
