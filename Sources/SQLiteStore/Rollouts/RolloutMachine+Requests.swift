import Telemetry
import TraceStore

// Requests that have an effect once, however often they come.
extension RolloutMachine {
  /// Makes something, unless the request has made it before.
  ///
  /// - Returns: The ids of what the request has made.
  func once(_ request: RequestKey?, now: Double, _ make: (RolloutMachine) throws -> [String]) throws -> [String] {
    guard let request else { return try make(self) }
    if let made = try requests.result(of: request, now: now) { return made }
    let made = try make(self)
    try requests.remember(request, made, now: now)
    return made
  }

  func enqueue(_ new: [NewRollout], once request: RequestKey?, clock: () -> Double) throws -> [Rollout] {
    var rows: [RolloutRow]?
    let ids = try once(request, now: clock()) { machine in
      let made = try machine.enqueue(new, clock: clock)
      rows = made
      return made.map(\.rollout.id)
    }
    return try rows?.map(\.rollout) ?? ids.map { try find($0).rollout }
  }

  /// Makes attempts.
  ///
  /// A repeat is answered with the attempts of the first request as they are now.
  func attempting(
    _ request: RequestKey?, now: Double, _ make: (RolloutMachine) throws -> [(RolloutRow, AttemptRow)]
  ) throws -> [AttemptedRollout] {
    var pairs: [(RolloutRow, AttemptRow)]?
    let ids = try once(request, now: now) { machine in
      let made = try make(machine)
      pairs = made
      return made.map { "\($0.0.rollout.id) \($0.1.attempt.id)" }
    }
    let found = try pairs ?? ids.map(findPair)
    return found.map { AttemptedRollout(rollout: $0.0.rollout, attempt: $0.1.attempt) }
  }

  private func findPair(_ ids: String) throws -> (RolloutRow, AttemptRow) {
    let parts = ids.split(separator: " ")
    guard parts.count == 2 else { throw RolloutFault.keyReused }
    let rollout = try find(String(parts[0]))
    return (rollout, try find(attempt: String(parts[1]), of: rollout))
  }

  func store(_ resources: JSONText, as id: String?, once request: RequestKey?, now: Double) throws -> ResourcesUpdate {
    if id != nil { try findLate(now: now) }
    var stored: ResourcesUpdate?
    let ids = try once(request, now: now) { machine in
      let update = try machine.shelf.store(resources, as: id ?? machine.newResourcesID(), now: now)
      stored = update
      return [update.id]
    }
    if let stored { return stored }
    guard let id = ids.first, let known = try shelf.resources(id) else { throw RolloutFault.keyReused }
    return known
  }
}
