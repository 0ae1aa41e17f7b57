import APISupport
import GenAI
package import Logging
import Metrics
import Telemetry
import Threads
package import TraceStore
package import Transport

/// The proxy in front of LLM providers: passes calls on, unchanged and at once, and records each as a span.
///
/// Request -> ``ProxyPath`` -> ``ProxyAccess`` -> ``UpstreamTable`` -> ``CallRelay`` -> client, with a copy to the
/// ``Recorder``.
package final class LLMProxy: Sendable {
  let options: LLMProxyOptions
  let table: UpstreamTable
  let access: ProxyAccess
  let client: HTTPClient
  let recorder: Recorder
  let metrics: ProxyMetrics
  let admissions: Admissions
  let pause = PauseGate()
  let sessions: SessionAPI
  private let end = EndOfService()
  private let numbers: any RolloutStore
  private let budget: InFlightBudget
  private let logger: Logger
  /// One for each upstream, so that a dead one does not hide what another has.
  private let limiters: [String: LogLimiter]
  let now: @Sendable () -> Int64

  /// - Parameters:
  ///   - numbers: Issues the sequence numbers of calls.
  ///   - now: Nanoseconds since 1970.
  package init(
    _ options: LLMProxyOptions, access: ProxyAccess, client: HTTPClient, recorder: Recorder, metrics: ProxyMetrics,
    sessions: SessionAPI, numbers: any RolloutStore, budget: InFlightBudget, logger: Logger,
    now: @escaping @Sendable () -> Int64
  ) {
    self.options = options
    self.access = access
    self.client = client
    self.recorder = recorder
    self.metrics = metrics
    self.sessions = sessions
    self.numbers = numbers
    self.budget = budget
    self.logger = logger
    self.now = now
    limiters = Dictionary(options.upstreams.map { ($0.name, LogLimiter()) }) { first, _ in first }
    table = UpstreamTable(options.upstreams, default: options.defaultUpstream)
    admissions = Admissions(maximum: options.maximumRequests, maximumPerKey: options.maximumRequestsPerKey)
  }

  /// Tells that the connections of clients will be cut.
  ///
  /// - Parameter time: What is cut from then on is the doing of this program.
  package func willEnd(after time: Duration) { end.set(.now + time) }

  /// Answers a request of the proxy's listener.
  package func respond(to request: HTTPRequest) async -> HTTPResponse {
    if let answer = await manage(request) { return answer }
    do throws(ProxyFault) {
      return try await relay(request)
    } catch {
      metrics.refusals.increment()
      return error.response(Self.guessedFamily(request.path))
    }
  }

  /// The family whose errors a client is likely to read.
  private static func guessedFamily(_ path: String) -> Upstream.Family {
    if path.contains(":generateContent") || path.contains(":streamGenerateContent") { return .gemini }
    return path.hasSuffix("/messages") || path.hasSuffix("/messages/count_tokens") ? .anthropic : .openai
  }

  // MARK: Relay

  private func relay(_ request: HTTPRequest) async throws(ProxyFault) -> HTTPResponse {
    guard !request.isAbsoluteForm else {
      throw ProxyFault(400, "invalid_request_error", "requests to other hosts are not passed on")
    }
    let path = try path(request)
    let caller = try access.caller(of: request, path)
    if let refusal = pause.refusal { return refusal }
    guard let admission = admissions.admit(key: caller.identity) else {
      throw ProxyFault(429, "rate_limit_error", "too many calls at once", code: "too_many_requests", retryAfter: 1)
    }
    if let answer = try models(request, path) { return answer }
    let body = try await body(of: request)
    let target = try target(request, path, caller, body.bytes)
    try access.countRequest(of: caller)
    let call = Call(request, path, caller, target, now: now())
    return await send(call, body.bytes, admission)
  }

  private func path(_ request: HTTPRequest) throws(ProxyFault) -> ProxyPath {
    do throws(ProxyPath.Fault) {
      return try ProxyPath(request.path, table, allowsKey: options.allowsKeysInPaths)
    } catch {
      switch error {
      case .ambiguous: throw ProxyFault(400, "invalid_request_error", "the path can be read in several ways")
      case .invalidID:
        throw ProxyFault(
          400, "invalid_request_error",
          "ids of rollouts and attempts have 1 to 128 letters, digits, dots, dashes and underscores")
      }
    }
  }

  private func body(of request: HTTPRequest) async throws(ProxyFault) -> ReceivedBytes {
    do throws(BodyFailure) {
      return try await BodyReceiver.receive(request, upTo: options.requestBytes, budget)
    } catch {
      throw ProxyFault(error)
    }
  }

  // MARK: Recording

  /// Begins to record a call; `nil` when it is not recorded.
  private func record(_ call: Call, _ body: [UInt8]) -> CallRecord? {
    guard case .call(let api) = call.target.route, call.target.upstream.level != .none else { return nil }
    if options.allowsNoRecord, call.request.headers.first("x-no-record") == "1" { return nil }
    let lease = RecordingMemory.Lease(recorder.memory)
    guard lease.grow(by: body.count) else {
      metrics.droppedCalls.increment()
      return nil
    }
    let binding = call.binding(options)
    var recording = options.recording
    recording.level = call.target.upstream.level
    var number: (rollout: String, attempt: String)?
    if let rollout = binding.tag.rolloutID, let attempt = binding.tag.attemptID { number = (rollout, attempt) }
    let record = CallRecord(
      call.target.upstream, api, path: call.path.path, requestBody: body, call.context(binding), binding.tag,
      options: recording, waitsForSequence: number != nil, recorder: recorder, lease: lease)
    if let number { issueNumber(number.rollout, number.attempt, to: record) }
    return record
  }

  /// Asks for the number of a call while the call goes on: it says in which order calls came in.
  private func issueNumber(_ rollout: String, _ attempt: String, to record: CallRecord) {
    let (numbers, recorder) = (numbers, recorder)
    Task {
      let number = try? await numbers.nextSequence(rollout: rollout, attempt: attempt, once: nil)
      recorder.post(.sequence(record, number))
    }
  }

  // MARK: Sending

  private func send(_ call: Call, _ body: [UInt8], _ admission: Admission) async -> HTTPResponse {
    let upstream = call.target.upstream
    let record = record(call, body)
    var request = call.upstreamRequest(body, passesCredentials: access.passesCredentials(call.caller))
    request.totalTimeout = options.maximumStreamDuration
    request.outlivesTask = options.drainTime > .zero && record != nil
    var resends = 0
    while true {
      metrics.countRequest(upstream)
      let relay = CallRelay(
        client.start(request), record, admission, resendCount: resends, drainTime: options.drainTime, clock: now,
        didDisconnect: { [metrics, end] in
          if end.hasCome { return .shutdown }
          metrics.disconnects.increment()
          return .clientDisconnected
        })
      let result: Result<ClientResponse, ClientError>
      do throws(ClientError) { result = .success(try await relay.head()) } catch { result = .failure(error) }
      if resends < upstream.retries,
        let delay = Resending.delay(after: result, attempt: resends, now: Int(now() / 1_000_000_000)),
        await sleep(delay)
      {
        relay.release()
        resends += 1
        metrics.resends.increment()
        continue
      }
      switch result {
      case .success(let head): return answer(head, relay, record, call)
      case .failure(let error):
        relay.fail(error)
        if error.kind != .cancelled {
          metrics.refusals.increment()
          limiters[upstream.name]?.log(
            logger, .warning, "no answer from an upstream",
            ["upstream": .text(upstream.name), "call": .text(call.id), "cause": .text(error.message)])
        }
        var response = ProxyFault.upstream(error, upstream.name).response(call.target.family)
        response.headers.append(AnswerFields.requestID, call.id)
        return response
      }
    }
  }

  /// - Returns: `false` when there is no point in going on.
  private func sleep(_ delay: Duration) async -> Bool {
    guard let loop = client.currentLoop else { return false }
    do {
      try await loop.sleep(for: delay)
      return true
    } catch {
      return false
    }
  }

  private func answer(_ head: ClientResponse, _ relay: CallRelay, _ record: CallRecord?, _ call: Call) -> HTTPResponse {
    record?.begin(head)
    var response = HTTPResponse(status: head.status, headers: AnswerFields.make(head, requestID: call.id))
    response.reason = head.reason
    let hidesUsage = call.target.hidesUsage && Self.canHideUsage(head)
    if hidesUsage {
      response.headers.removeAll("content-length")
      relay.hideUsage()
    }
    if !hidesUsage, let bytes = relay.takeWhole() {
      // Of an answer without a body the provider says how long it would have been.
      response.body = call.request.method == .head ? .none : .bytes(bytes)
    } else {
      response.endsWithInput = true
      response.body = .stream { try await relay.next() }
    }
    return response
  }
}

extension LLMProxy {
  /// Whether an answer is a stream that can be searched for the usage; all others pass as they are.
  fileprivate static func canHideUsage(_ head: ClientResponse) -> Bool {
    let type = head.headers.first("content-type")?.lowercased() ?? ""
    return head.status == 200 && type.hasPrefix("text/event-stream") && head.headers.first("content-encoding") == nil
  }
}

/// When the program ends, as soon as that is known.
private final class EndOfService: Sendable {
  /// Connections are cut at once, but not all in the same moment.
  private static let tolerance = Duration.milliseconds(20)

  private let time = Locked<ContinuousClock.Instant?>(nil)

  func set(_ instant: ContinuousClock.Instant) { time.withLock { $0 = instant } }

  var hasCome: Bool { time.withLock { $0 }.map { .now >= $0 - Self.tolerance } ?? false }
}
