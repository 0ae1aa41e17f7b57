import JSON
import Telemetry
import TraceStore
import Transport

extension LightningAPI {
  func startAttempt(_ rollout: String, _ request: HTTPRequest) async throws(RequestFailure) -> HTTPResponse {
    let body = try await receive(request)
    let key = try IdempotencyKey.read(request, body: body.bytes)
    var worker: String?
    if let document = body.document { worker = try parse(document) { reader in reader.worker() } }
    let made = try await write { [worker] () throws(RolloutFault) in
      try await rollouts.startAttempt(of: rollout, worker: worker, once: key)
    }
    return LightningAnswer.value(made, status: 201) { writer, rollout in writer.rollout(rollout) }
  }

  func searchAttempts(_ rollout: String, _ request: HTTPRequest) async throws(RequestFailure) -> HTTPResponse {
    var reader = try await queryReader(request)
    let search = try AttemptSearch.read(&reader, rollout: rollout)
    let page = try await readAfterWatchdog { session throws(StoreError) in try session.attempts(search.query) }
    return LightningAnswer.page(page, of: search) { writer, attempt in writer.attempt(attempt) }
  }

  func latestAttempt(_ rollout: String) async throws(RequestFailure) -> HTTPResponse {
    let found = try await readAfterWatchdog { session throws(StoreError) in try session.rollouts([rollout]).first }
    return LightningAnswer.value(found?.attempt) { writer, attempt in writer.attempt(attempt) }
  }

  func updateAttempt(_ id: String, _ rollout: String, _ request: HTTPRequest) async throws(RequestFailure)
    -> HTTPResponse
  {
    let document = try await receive(request).required()
    let change = try parse(document) { reader in reader.attemptChange() }
    try refuseNull(document, RequestReader.attemptMembersWithValue)
    let reference: AttemptReference = id == "latest" ? .latest : .id(id)
    let attempt = try await write { () throws(RolloutFault) in
      try await rollouts.update(attempt: reference, of: rollout, change)
    }
    return LightningAnswer.value(attempt) { writer, attempt in writer.attempt(attempt) }
  }
}
