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

  /// How the memory for an answer is bounded.
  enum AnswerSize {
    /// It is made and counted piece by piece.
    case inPieces
    case whole
    /// It is whole, and made after a wait that holds nothing.
    case afterWait
  }

  var answerSize: AnswerSize {
    switch self {
    case .listRollouts, .searchRollouts, .listSpans, .searchSpans: .inPieces
    case .wait: .afterWait
    default: .whole
    }
  }
}
