package import Telemetry

/// Which rollouts are wanted, in which order.
///
/// AGL store contract, section 5.
package struct RolloutQuery: Sendable {
  package enum SortKey: CaseIterable, Sendable {
    case id, startTime, endTime, duration, mode, resourcesID, status
    /// The reverse of the order in which they were made.
    case newest
  }

  /// `nil` = any.
  package var statuses: [RolloutStatus]?
  package var ids: [String]?
  /// A text that occurs in the id.
  package var idContains: String?
  package var modes: [RolloutMode]?
  /// Only rollouts that were made after this one, whatever the other conditions are.
  package var newerThan: String?
  /// Only rollouts that have an end at this time or later, in seconds since 1970, whatever the other conditions are.
  package var endedSince: Double?
  package var page = Page<SortKey>()

  package init() {}
}

/// Which attempts of a rollout are wanted, in which order.
package struct AttemptQuery: Sendable {
  package enum SortKey: CaseIterable, Sendable {
    case rolloutID, id, sequence, startTime, endTime, duration, status, workerID, lastHeartbeatTime
  }

  package var rolloutID: String
  package var page = Page<SortKey>()

  package init(rolloutID: String) { self.rolloutID = rolloutID }
}

/// Which workers are wanted, in which order.
package struct WorkerQuery: Sendable {
  package enum SortKey: CaseIterable, Sendable {
    case id, status, lastHeartbeatTime, lastDequeueTime, lastBusyTime, lastIdleTime, currentRolloutID,
      currentAttemptID
  }

  package var statuses: [WorkerStatus]?
  package var idContains: String?
  package var page = Page<SortKey>()

  package init() {}
}

/// Which resources are wanted, in which order.
package struct ResourcesQuery: Sendable {
  package enum SortKey: CaseIterable, Sendable { case id, createTime, updateTime, version }

  package var id: String?
  package var idContains: String?
  package var page = Page<SortKey>()

  package init() {}
}

/// The part of the results that is wanted.
package struct Page<SortKey: Sendable>: Sendable {
  /// `nil` = in the order in which they were made.
  package var sortKey: SortKey?
  /// Equal ones stay in the order in which they were made in any case.
  package var isDescending = false
  /// Whether one condition suffices; without any condition everything matches.
  package var matchesAny = false
  package var offset = 0
  /// `nil` = all.
  package var limit: Int?

  package init() {}
}

/// Results of a query.
package struct PageOf<Item: Sendable>: Sendable {
  package var items: [Item]
  /// How many match, before offset and limit.
  package var total: Int

  package init(items: [Item], total: Int) {
    self.items = items
    self.total = total
  }
}
