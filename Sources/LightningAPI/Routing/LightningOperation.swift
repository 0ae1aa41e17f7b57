/// What a request to Agent Lightning's store interface asks for.
///
/// AGL store contract, section 2.
enum LightningOperation: Hashable, Sendable {
  case health, statistics
  case enqueue, dequeue
  case startRollout, listRollouts, searchRollouts
  case rollout(String)
  case updateRollout(String)
  case startAttempt(rollout: String)
  case listAttempts(rollout: String)
  case searchAttempts(rollout: String)
  case latestAttempt(rollout: String)
  case updateAttempt(String, rollout: String)
  case listWorkers, searchWorkers
  case worker(String)
  case updateWorker(String)
  case listResources, addResources, latestResources
  case resources(String)
  case updateResources(String)
  case addSpan, listSpans, searchSpans, nextSpan
  case wait

  /// Whether the answer is made and counted piece by piece, and not as a whole.
  var isAnsweredInPieces: Bool {
    switch self {
    case .listRollouts, .searchRollouts, .listSpans, .searchSpans: true
    default: false
    }
  }
}
