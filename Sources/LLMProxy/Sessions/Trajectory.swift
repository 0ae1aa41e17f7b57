/// The calls of an episode, in the order in which they began, on their way to training.
///
/// The rules are those of AReaL's export.
struct Trajectory {
  /// What is exported.
  enum Style: String {
    /// Each call, rewarded also for what followed it.
    case individual
    /// Of each conversation the last call, whose messages hold the earlier ones.
    case concat
  }

  private(set) var interactions: [Interaction]

  init(_ interactions: [Interaction]) { self.interactions = interactions }

  /// What is exported of the episode.
  ///
  /// - Parameter discount: What a reward is worth one call earlier.
  static func export(_ interactions: [Interaction], _ style: Style, discount: Double, dropsOrphans: Bool)
    -> [Interaction]
  {
    var trajectory = Trajectory(interactions)
    // First, else orphans would have a part in the rewards of others.
    if dropsOrphans { trajectory.dropRetryOrphans() }
    switch style {
    case .individual: trajectory.discountRewards(by: discount)
    // The order of calls crosses the branches of a tree, so nothing is handed on there.
    case .concat: trajectory.keepLeaves()
    }
    return trajectory.interactions
  }

  /// `reward[i] += reward[i + 1] * discount`, from the last to the first; no reward is 0.
  mutating func discountRewards(by discount: Double) {
    var next = 0.0
    for index in interactions.indices.reversed() {
      next = next * discount + (interactions[index].reward ?? 0)
      interactions[index].reward = next
    }
  }

  /// Keeps the calls with which no other goes on.
  mutating func keepLeaves() {
    let parents = Set(parents().compactMap { $0 })
    interactions = interactions.indices.filter { !parents.contains($0) }.map { interactions[$0] }
  }

  /// Drops calls that were made again because their answer was not waited for.
  ///
  /// Of calls with the same messages those are kept with which others go on; when there is none, the last one.
  mutating func dropRetryOrphans() {
    let parents = Set(parents().compactMap { $0 })
    var groups: [[Int]: [Int]] = [:]
    for index in interactions.indices { groups[interactions[index].messages, default: []].append(index) }
    // Of calls whose messages were not recorded nobody knows.
    groups[[]] = nil
    var orphans: Set<Int> = []
    for group in groups.values where group.count > 1 {
      let leaves = group.filter { !parents.contains($0) }
      orphans.formUnion(leaves.count < group.count ? leaves : Array(leaves.dropLast()))
    }
    interactions = interactions.indices.filter { !orphans.contains($0) }.map { interactions[$0] }
  }

  /// The call that each goes on with: the longest one before it whose messages and answer its own begin with.
  ///
  /// Histories are found by a running hash, so that the time is linear in the messages of all calls.
  private func parents() -> [Int?] {
    var histories: [History: [Int]] = [:]
    return interactions.indices.map { index in
      let interaction = interactions[index]
      let prefixes = History.prefixes(of: interaction.messages)
      defer {
        for history in History.following(prefixes.last ?? History(), interaction.outputs) {
          histories[history, default: []].append(index)
        }
      }
      for history in prefixes.reversed() {
        if let parent = histories[history]?.first(where: { goes(interaction, onWith: interactions[$0]) }) {
          return parent
        }
      }
      return nil
    }
  }

  private func goes(_ interaction: Interaction, onWith earlier: Interaction) -> Bool {
    let messages = interaction.messages
    guard messages.starts(with: earlier.messages) else { return false }
    let rest = messages.dropFirst(earlier.messages.count)
    if rest.starts(with: earlier.outputs) { return true }
    // Of several choices the agent goes on with one.
    return rest.first.map { earlier.outputs.contains($0) } ?? false
  }
}

/// Messages from the first on, as their number and hash.
private struct History: Hashable {
  private var count = 0
  private var hash = 0

  mutating func append(_ message: Int) {
    var hasher = Hasher()
    hasher.combine(hash)
    hasher.combine(message)
    hash = hasher.finalize()
    count += 1
  }

  /// What some messages begin with, from the first one alone to all of them.
  static func prefixes(of messages: [Int]) -> [History] {
    var history = History()
    return messages.map { message in
      history.append(message)
      return history
    }
  }

  /// What a later call begins with that goes on with an answer.
  static func following(_ history: History, _ outputs: [Int]) -> [History] {
    guard !outputs.isEmpty else { return [] }
    var whole = history
    for output in outputs { whole.append(output) }
    guard outputs.count > 1 else { return [whole] }
    return [whole]
      + outputs.map { output in
        var choice = history
        choice.append(output)
        return choice
      }
  }
}
