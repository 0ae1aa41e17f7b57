import APISupport
import JSON
import Telemetry
import TraceStore
import Transport

extension LightningAPI {
  /// They are one transaction, for which others wait.
  private static let mostEnqueued = 50_000

  func enqueue(_ request: HTTPRequest) async throws(RequestFailure) -> HTTPResponse {
    let body = try await receive(request)
    let news = try parse(try body.required()) { reader in reader.newRollouts() }
    let key = try IdempotencyKey.read(request, body: body.bytes)
    guard news.count <= Self.mostEnqueued else {
      throw .refused(413, "At most \(Self.mostEnqueued) rollouts can be enqueued at once")
    }
    guard !news.isEmpty else { return LightningAnswer.list([Rollout](), status: 201) { _, _ in } }
    let made = try await write { () throws(RolloutFault) in try await rollouts.enqueue(news, once: key) }
    return LightningAnswer.list(made, status: 201) { writer, rollout in writer.rollout(rollout) }
  }

  func dequeue(_ request: HTTPRequest) async throws(RequestFailure) -> HTTPResponse {
    let body = try await receive(request)
    let key = try IdempotencyKey.read(request, body: body.bytes)
    var limit: Int64 = 1
    var worker: String?
    if let document = body.document { (limit, worker) = try parse(document) { reader in reader.dequeue() } }
    // As AGL's store does it: nothing is looked at, and the worker is not taken to have asked for work.
    guard limit > 0 else { return LightningAnswer.list([AttemptedRollout]()) { _, _ in } }
    let taken = try await write { [limit, worker] () throws(RolloutFault) in
      try await rollouts.dequeue(limit: Int(clamping: limit), worker: worker, once: key)
    }
    return LightningAnswer.list(taken) { writer, rollout in writer.rollout(rollout) }
  }

  func startRollout(_ request: HTTPRequest) async throws(RequestFailure) -> HTTPResponse {
    let body = try await receive(request)
    let key = try IdempotencyKey.read(request, body: body.bytes)
    let (new, worker) = try parse(try body.required()) { reader in
      let new = reader.newRollout(JSONDocument.root)
      return (new, reader.document.kind(JSONDocument.root) == .object ? reader.worker() : nil)
    }
    let made = try await write { () throws(RolloutFault) in try await rollouts.start(new, worker: worker, once: key) }
    return LightningAnswer.value(made, status: 201) { writer, rollout in writer.rollout(rollout) }
  }

  func searchRollouts(_ request: HTTPRequest) async throws(RequestFailure) -> HTTPResponse {
    var reader = try await queryReader(request)
    let search = try RolloutSearch.read(&reader)
    try? await rollouts.findLateAttempts()
    guard let lease = await request.answers.lease() else { throw .store(.unreadAnswers) }
    let stream = RolloutStream(self.reader, search, lease)
    do throws(StoreError) {
      return try await stream.answer()
    } catch {
      throw .store(error)
    }
  }

  func rollout(_ id: String) async throws(RequestFailure) -> HTTPResponse {
    let found = try await readAfterWatchdog { session throws(StoreError) in try session.rollouts([id]).first }
    return LightningAnswer.value(found) { writer, rollout in writer.rollout(rollout) }
  }

  func updateRollout(_ id: String, _ request: HTTPRequest) async throws(RequestFailure) -> HTTPResponse {
    let document = try await receive(request).required()
    let change = try parse(document) { reader in reader.rolloutChange() }
    try refuseNull(document, RequestReader.rolloutMembersWithValue)
    let rollout = try await write { () throws(RolloutFault) in try await rollouts.update(rollout: id, change) }
    return LightningAnswer.value(rollout) { writer, rollout in writer.rollout(rollout) }
  }
}
