import Telemetry
import Threads
import TraceStore
import Transport

@testable import QueryAPI

/// A store that notes what it is told, and knows what a test has told it.
final class FakeStore: AttributionStore, PinStore, SpanReader {
  struct State {
    // What it was told.
    var bound: [NewBinding] = []
    var registered: [NewSession] = []
    var claims: [UnassignedClaim] = []
    var removed: [String] = []
    var lists: [String] = []
    var pins: [String] = []
    // What it answers.
    var isNew = true
    var isThere = true
    var failure: StoreError?
    var bindings: [TraceBinding] = []
    var sessions: [SessionRegistration] = []
    var unassigned: [UnassignedTrace] = []
    var unassignedSessions: [UnassignedSession] = []
    var withoutSession: UnassignedCount?
    var reports: [AttributionReport] = []
    var pending: Int64 = 0
    // Of one rollout.
    var rollout: Rollout?
    var attempts: [Attempt] = []
    var spans: [FakeSpan] = []
    var rules: [TagRule: Int64] = [:]
    var arrivalsAtEnds: [String: Int64] = [:]
  }

  let state: Locked<State>
  let refusals = RefusalLog()
  let retags = RetagWatch(capacity: 4, epoch: 0x2a)

  init(_ prepare: (inout State) -> Void = { _ in }) {
    var state = State()
    prepare(&state)
    self.state = Locked(state)
  }

  /// An API over this store, at half past one on a day in 2023.
  var api: QueryAPI {
    QueryAPI(
      reader: self, attribution: self, pins: self, refusals: refusals, options: QueryAPI.Options(),
      budget: InFlightBudget(limit: 64 << 20, largestRequest: 1 << 20), now: { 1_700_000_000_000_000_000 },
      sleep: { try? await Task.sleep(for: $0) })
  }

  private func told(_ note: (inout State) -> Void) throws(StoreError) -> State {
    let state = state.withLock { state in
      note(&state)
      return state
    }
    if let failure = state.failure { throw failure }
    return state
  }

  func bind(_ binding: NewBinding) async throws(StoreError) -> (binding: TraceBinding, isNew: Bool) {
    let state = try told { $0.bound.append(binding) }
    return (TraceBinding(id: 7, new: binding, created: 5), state.isNew)
  }

  func unbind(_ id: Int64) async throws(StoreError) -> Bool { try told { $0.removed.append("binding \(id)") }.isThere }

  func register(_ session: NewSession) async throws(StoreError) -> (registration: SessionRegistration, isNew: Bool) {
    let state = try told { $0.registered.append(session) }
    return (SessionRegistration(id: 8, new: session, created: 6), state.isNew)
  }

  func unregister(session id: Int64) async throws(StoreError) -> Bool {
    try told { $0.removed.append("session \(id)") }.isThere
  }

  func claim(_ claim: UnassignedClaim) async throws(StoreError) -> ClaimResult {
    let state = try told { $0.claims.append(claim) }
    return ClaimResult(bindings: state.bindings, hasMore: true)
  }

  func pin(rollout: String, _ isPinned: Bool) async throws(RolloutFault) {
    let state: State
    do throws(StoreError) {
      state = try told { $0.pins.append("\(isPinned ? "pin" : "unpin") \(rollout)") }
    } catch {
      throw .store(error)
    }
    if !state.isThere { throw .notFound("Rollout \(rollout) not found") }
  }

  func submit(_ body: @escaping @Sendable (Result<any ReadSession, StoreError>) -> Void) {
    body(.success(FakeSession(store: self)))
  }
}

/// A stored span of the rollout.
struct FakeSpan {
  var sequence: Int64?
  var attemptID: String?
  var name = "work"
  /// Seconds after the start of the rollout.
  var start: UInt64 = 1
  var attributes: [FakeAttribute] = []
  var rule = TagRule.explicit
  /// The place of the parent among the spans, from 1.
  var parent: UInt64?
}
