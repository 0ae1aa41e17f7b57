import APISupport
import TraceStore
import Transport

extension QueryAPI {
  /// Says what there is of a rollout and what is not; one that nobody knows is a case of that, and no error.
  func diagnosis(_ id: String, _ request: HTTPRequest) async throws -> HTTPResponse {
    _ = try QueryParameters(request, allowed: [])
    let refusals = refusals.newest
    let now = now()
    let diagnosis = try await reader.read { session throws(StoreError) in
      try RolloutExaminer.examine(id, session, now: now, refusals: refusals)
    }
    return JSONAnswer.make { DiagnosisText.write(diagnosis, to: &$0) }
  }
}
