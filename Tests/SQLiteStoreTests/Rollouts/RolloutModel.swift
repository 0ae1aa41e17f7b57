import Telemetry
import TraceStore

/// What the store of rollouts should do, as plainly as it can be said: arrays, no ids, no database.
///
/// Written from the AGL store contract, sections 6 to 9. Rollouts and attempts are named by their places.
struct RolloutModel: Equatable {
  struct Try: Equatable {
    var start: Double
    var end: Double?
    var status = AttemptStatus.preparing
    var worker: String?
    var heartbeat: Double?
    var metadata: String?
    var spans: Set<UInt64> = []
  }

  struct Task: Equatable {
    var input: String
    var start: Double
    var end: Double?
    var mode: RolloutMode?
    var resources: String?
    var status: RolloutStatus
    var config: RolloutConfig
    var metadata: String?
    var tries: [Try] = []
    var lastSequence: Int64 = 0
  }

  struct Hand: Equatable {
    var name: String
    var status = WorkerStatus.unknown
    var stats: String?
    var heartbeat: Double?
    var dequeued: Double?
    var busy: Double?
    var idle: Double?
    var rollout: Int?
    var attempt: Int?
  }

  struct Shelf: Equatable {
    var created: Double
    var updated: Double
    var version: Int64
    var text: String
    /// `nil` when the store has made the id up.
    var name: String?
  }

  var tasks: [Task] = []
  var queue: [Int] = []
  var hands: [Hand] = []
  var shelves: [Shelf] = []
  /// The place of the shelf that was changed last.
  var latestShelf: Int?
  /// Counters of rollouts that nobody has made.
  var strangers: [String: Int64] = [:]

  // MARK: Operations

  mutating func enqueue(_ inputs: [NewRollout], _ now: Double) {
    findLate(now)
    for new in inputs { queue.append(make(new, .queuing, now)) }
  }

  mutating func start(_ new: NewRollout, _ worker: String?, _ now: Double) {
    findLate(now)
    begin(make(new, .preparing, now), worker, now)
  }

  mutating func dequeue(_ limit: Int, _ worker: String?, _ now: Double) -> [Int] {
    guard limit > 0 else { return [] }
    findLate(now)
    var taken: [Int] = []
    while taken.count < limit, !queue.isEmpty {
      let task = queue.removeFirst()
      guard [.queuing, .requeuing].contains(tasks[task].status) else { continue }
      begin(task, nil, now)
      tasks[task].tries[tasks[task].tries.count - 1].worker = worker
      taken.append(task)
    }
    guard let worker else { return taken }
    if let last = taken.last {
      guard worker != "" else { return taken }
      let hand = hand(worker)
      hands[hand].dequeued = now
      occupy(hand, last, tasks[last].tries.count - 1, now)
    } else {
      let hand = hand(worker)
      hands[hand].dequeued = now
      if hands[hand].status != .idle {
        hands[hand].status = .idle
        hands[hand].idle = now
      }
    }
    return taken
  }

  mutating func startAttempt(_ task: Int, _ worker: String?, _ now: Double) {
    findLate(now)
    begin(task, worker, now)
  }

  mutating func update(_ task: Int, _ change: RolloutChange, _ now: Double) {
    findLate(now)
    if let input = change.input { tasks[task].input = input.text }
    if let mode = change.mode { tasks[task].mode = mode }
    if let resources = change.resourcesID { tasks[task].resources = resources }
    if let config = change.config { tasks[task].config = config }
    if let metadata = change.metadata { tasks[task].metadata = metadata?.text }
    if let status = change.status { set(task, status, now) }
  }

  /// - Returns: Whether there was such an attempt.
  mutating func update(_ task: Int, attempt: Int?, _ change: AttemptChange, _ now: Double) -> Bool {
    findLate(now)
    let attempt = attempt ?? tasks[task].tries.count - 1
    guard tasks[task].tries.indices.contains(attempt) else { return false }
    apply(task, attempt, change, now)
    return true
  }

  mutating func heartbeat(_ worker: String, _ stats: String?, _ now: Double) {
    let hand = hand(worker)
    hands[hand].heartbeat = now
    if let stats { hands[hand].stats = stats }
  }

  mutating func store(_ text: String, as name: String?, _ now: Double) {
    if name != nil { findLate(now) }
    if let name, let known = shelves.firstIndex(where: { $0.name == name }) {
      shelves[known].version += 1
      shelves[known].updated = now
      shelves[known].text = text
      latestShelf = known
    } else {
      shelves.append(Shelf(created: now, updated: now, version: 1, text: text, name: name))
      latestShelf = shelves.count - 1
    }
  }

  /// - Parameter sequence: Counts also for a span that is known.
  /// - Returns: Whether it is new.
  mutating func add(_ task: Int, _ attempt: Int, span: UInt64, sequence: Int64, _ now: Double) -> Bool {
    tasks[task].lastSequence = max(tasks[task].lastSequence, sequence)
    guard tasks[task].tries[attempt].spans.insert(span).inserted else { return false }
    tasks[task].tries[attempt].heartbeat = now
    let was = tasks[task].tries[attempt].status
    if was == .preparing || was == .unresponsive { tasks[task].tries[attempt].status = .running }
    guard attempt == tasks[task].tries.count - 1 else { return true }
    if tasks[task].status == .preparing || (tasks[task].status == .requeuing && was == .unresponsive) {
      tasks[task].status = .running
    }
    return true
  }

  mutating func nextSequence(_ task: Int) -> Int64 {
    tasks[task].lastSequence += 1
    return tasks[task].lastSequence
  }

  mutating func nextSequence(stranger: String) -> Int64 {
    strangers[stranger, default: 0] += 1
    return strangers[stranger]!
  }

  mutating func findLate(_ now: Double) {
    for task in tasks.indices where [.preparing, .running].contains(tasks[task].status) {
      guard let latest = tasks[task].tries.last else { continue }
      let config = tasks[task].config
      var change = AttemptChange()
      if let timeout = config.timeoutSeconds, now - latest.start > timeout {
        change.status = .timeout
      } else if let silence = config.unresponsiveSeconds, now - (latest.heartbeat ?? latest.start) > silence {
        change.status = .unresponsive
      } else {
        continue
      }
      apply(task, tasks[task].tries.count - 1, change, now)
    }
  }

  // MARK: Parts

  private mutating func make(_ new: NewRollout, _ status: RolloutStatus, _ now: Double) -> Int {
    tasks.append(
      Task(
        input: new.input.text, start: now, mode: new.mode,
        // The name of resources whose id the store has made is not known here.
        resources: new.resourcesID ?? latestShelf.map { shelves[$0].name ?? "#\($0)" }, status: status,
        config: new.config, metadata: new.metadata.text))
    return tasks.count - 1
  }

  private mutating func begin(_ task: Int, _ worker: String?, _ now: Double) {
    tasks[task].tries.append(Try(start: now, worker: worker))
    tasks[task].status = .preparing
    if let worker, worker != "" { occupy(hand(worker), task, tasks[task].tries.count - 1, now) }
  }

  private mutating func hand(_ name: String) -> Int {
    if let known = hands.firstIndex(where: { $0.name == name }) { return known }
    hands.append(Hand(name: name))
    return hands.count - 1
  }

  private mutating func occupy(_ hand: Int, _ task: Int, _ attempt: Int, _ now: Double) {
    hands[hand].status = .busy
    hands[hand].busy = now
    hands[hand].rollout = task
    hands[hand].attempt = attempt
  }

  private mutating func apply(_ task: Int, _ attempt: Int, _ change: AttemptChange, _ now: Double) {
    if let worker = change.workerID { tasks[task].tries[attempt].worker = worker }
    if let status = change.status {
      tasks[task].tries[attempt].status = status
      if status == .failed || status == .succeeded { tasks[task].tries[attempt].end = now }
    }
    if let time = change.lastHeartbeatTime { tasks[task].tries[attempt].heartbeat = time }
    if let metadata = change.metadata { tasks[task].tries[attempt].metadata = metadata.text }
    if attempt == tasks[task].tries.count - 1 {
      let status = follow(task)
      if status != tasks[task].status { set(task, status, now) }
    }
    guard change.workerID != nil || change.status != nil, let worker = tasks[task].tries[attempt].worker, worker != ""
    else { return }
    let hand = hand(worker)
    switch tasks[task].tries[attempt].status {
    case .preparing, .running: return occupy(hand, task, attempt, now)
    case .succeeded, .failed: hands[hand].status = .idle
    case .timeout, .unresponsive: hands[hand].status = .unknown
    }
    hands[hand].idle = now
    hands[hand].rollout = nil
    hands[hand].attempt = nil
  }

  private func follow(_ task: Int) -> RolloutStatus {
    let last = tasks[task].tries.last!
    switch last.status {
    case .preparing: return .preparing
    case .running: return .running
    case .succeeded: return .succeeded
    case .failed, .timeout, .unresponsive:
      let again =
        tasks[task].config.retryCondition.contains(last.status)
        && tasks[task].tries.count < tasks[task].config.maxAttempts
      return again ? .requeuing : .failed
    }
  }

  private mutating func set(_ task: Int, _ status: RolloutStatus, _ now: Double) {
    tasks[task].status = status
    switch status {
    case .failed, .succeeded, .cancelled: tasks[task].end = now
    case .queuing, .requeuing: if !queue.contains(task) { queue.append(task) }
    case .preparing, .running: break
    }
  }
}
