import SeededRandom
import TraceStore

/// An order in which facts come, and what comes together.
struct AttributionSchedule: Sendable, CustomStringConvertible {
  struct Group: Sendable {
    /// Done at the same time.
    var actions: [AttributionAction]
    var pause = Pause.none
  }

  /// What happens before a group.
  enum Pause: Sendable {
    case none
    /// All work is waited for, and its result looked at: later facts find no work of earlier ones.
    case settling
    /// The store is closed, with whatever work there is, and opened.
    case reopening
  }

  var autoRollout = AutoRollout.off
  var retagStep = 2_000
  /// With 1, traces are read as a whole at once.
  var retagPatience = 16
  var groups: [Group]

  var model: AttributionModel { AttributionModel(groups.flatMap(\.actions), autoRollout: autoRollout) }

  var description: String {
    let steps = groups.map { group in
      let title =
        (group.pause == .none ? "" : "(\(group.pause)) ") + (group.actions.count > 1 ? "at the same time:\n    " : "")
      return "  " + title + group.actions.map(\.description).joined(separator: "\n    ")
    }
    return "auto \(autoRollout), retag step \(retagStep), patience \(retagPatience)\n" + steps.joined(separator: "\n")
  }
}

// MARK: - Random orders

extension AttributionSchedule {
  /// Brings the facts of a case into a random order.
  ///
  /// - Parameter widest: The most actions that are done at the same time.
  init(_ world: AttributionCase, _ random: inout SplitMix64, widest: Int) {
    self.init(autoRollout: world.autoRollout, groups: [])
    retagStep = [1, 2, 2_000, 2_000].randomElement(using: &random)!
    let chains = Self.batches(world.deliveries, &random).map { [$0] } + world.histories
    let order = chains.indices.flatMap { chain in chains[chain].map { _ in chain } }.shuffled(using: &random)
    var done = [Int](repeating: 0, count: chains.count)
    var members: Set<Int> = []
    let pauses = [[Pause.none], [.none, .none, .settling], [.none, .none, .none, .settling, .reopening]]
      .randomElement(using: &random)!
    for chain in order {
      let isTogether = !members.isEmpty && members.count < widest && Bool.random(using: &random)
      // What depends on each other is done one after the other.
      if !isTogether || members.contains(chain) {
        let pause = groups.isEmpty ? .none : pauses.randomElement(using: &random)!
        groups.append(Group(actions: [], pause: pause))
        members = []
      }
      members.insert(chain)
      groups[groups.count - 1].actions.append(chains[chain][done[chain]])
      done[chain] += 1
    }
    retagPatience = [1, 16].randomElement(using: &random)!
  }

  /// Puts spans into batches, in any order, several traces and repeats in one batch.
  private static func batches(
    _ deliveries: [(span: AttributionModel.Span, request: AttributionModel.Words)], _ random: inout SplitMix64
  ) -> [AttributionAction] {
    var batches: [(spans: [AttributionModel.Span], request: AttributionModel.Words)] = []
    let mostSpans = Int.random(in: 1...6, using: &random)
    for (span, request) in deliveries.shuffled(using: &random) {
      let open = batches.lastIndex { $0.request == request && $0.spans.count < mostSpans }
      if let open, Int.random(in: 0..<4, using: &random) > 0 {
        batches[open].spans.append(span)
      } else {
        batches.append(([span], request))
      }
    }
    return batches.map { .append($0.spans, $0.request) }
  }
}

// MARK: - Smaller schedules

extension AttributionSchedule {
  /// Schedules with a little less in them.
  var smaller: [AttributionSchedule] {
    var found: [AttributionSchedule] = []
    for group in groups.indices {
      found.append(with { $0.groups.remove(at: group) })
      if groups[group].pause != .none { found.append(with { $0.groups[group].pause = .none }) }
      guard groups[group].actions.count > 1 else { continue }
      for action in groups[group].actions.indices {
        found.append(with { $0.groups[group].actions.remove(at: action) })
      }
      let apart = groups[group].actions.map { Group(actions: [$0]) }
      found.append(with { $0.groups.replaceSubrange(group...group, with: apart) })
    }
    return found + withoutSpans + withSimplerSpans
  }

  private var withoutSpans: [AttributionSchedule] {
    var found: [AttributionSchedule] = []
    for group in groups.indices {
      for action in groups[group].actions.indices {
        guard case .append(let spans, let request) = groups[group].actions[action], spans.count > 1 else { continue }
        for index in spans.indices {
          var fewer = spans
          fewer.remove(at: index)
          found.append(with { $0.groups[group].actions[action] = .append(fewer, request) })
        }
      }
    }
    return found
  }

  private var withSimplerSpans: [AttributionSchedule] {
    let changes: [@Sendable (inout AttributionModel.Span) -> Void] = [
      { $0.links = [] }, { $0.sessions = [:] }, { $0.parent = nil }, { $0.sequence = nil }, { $0.baggage = .init() },
      { $0.traceState = .init() }, { $0.resource = .init() }, { $0.attributes = .init() }, { $0.start = 1 },
    ]
    return model.spans.keys.sorted { $0.name < $1.name }.flatMap { span in
      changes.compactMap { change in
        var simpler = span
        change(&simpler)
        return simpler == span ? nil : with { $0.replace(span, simpler) }
      }
    }
  }

  private mutating func replace(_ span: AttributionModel.Span, _ other: AttributionModel.Span) {
    for group in groups.indices {
      for action in groups[group].actions.indices {
        guard case .append(let spans, let request) = groups[group].actions[action] else { continue }
        groups[group].actions[action] = .append(spans.map { $0 == span ? other : $0 }, request)
      }
    }
  }

  private func with(_ change: (inout AttributionSchedule) -> Void) -> AttributionSchedule {
    var copy = self
    change(&copy)
    return copy
  }
}
