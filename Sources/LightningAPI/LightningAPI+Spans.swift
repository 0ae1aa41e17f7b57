import APISupport
import JSON
import TraceStore
import Transport

extension LightningAPI {
  func searchSpans(_ request: HTTPRequest) async throws(RequestFailure) -> HTTPResponse {
    var reader = try await queryReader(request)
    let search = try SpanSearch.read(&reader)
    // See `readAfterWatchdog`.
    try? await rollouts.findLateAttempts()
    do throws(StoreError) {
      return try await SpanAnswer.respond(self.reader, search.query, request.answers) { selection throws(StoreError) in
        LightningSpanRenderer(search, total: selection.total)
      }
    } catch {
      throw .store(error)
    }
  }

  func addSpan(_ request: HTTPRequest) async throws(RequestFailure) -> HTTPResponse {
    let document = try await receive(request).required()
    guard let span = try parse(document, { reader in reader.span() }), let new = NewSpan(span) else {
      throw .refused(400, "The span cannot be stored")
    }
    let isNew = try await write { () throws(RolloutFault) in try await rollouts.add(new) }
    didAddSpan(isNew)
    return isNew ? LightningAnswer.span(span) : LightningAnswer.value(Int?.none, status: 201) { _, _ in }
  }

  func nextSpan(_ request: HTTPRequest) async throws(RequestFailure) -> HTTPResponse {
    let body = try await receive(request)
    let key = try IdempotencyKey.read(request, body: body.bytes)
    let (rollout, attempt) = try parse(try body.required()) { reader in reader.nextSequence() }
    let number = try await write { () throws(RolloutFault) in
      try await rollouts.nextSequence(rollout: rollout, attempt: attempt, once: key)
    }
    return LightningAnswer.sequence(number)
  }
}
