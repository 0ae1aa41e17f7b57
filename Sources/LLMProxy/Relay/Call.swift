import GenAI
import Telemetry
import Transport

/// One request on its way to a provider.
struct Call {
  let request: HTTPRequest
  let path: ProxyPath
  let caller: Caller
  let target: CallTarget
  /// When the request was complete; nanoseconds since 1970.
  let startTime: Int64
  private let trace: CallTrace

  init(_ request: HTTPRequest, _ path: ProxyPath, _ caller: Caller, _ target: CallTarget, now: Int64) {
    self.request = request
    self.path = path
    self.caller = caller
    self.target = target
    startTime = now
    trace = CallTrace(request.headers, isTrusted: caller.mayContinueTraces)
  }

  /// What the client can name when it asks about the call: the id of its span.
  var id: String { trace.spanID.description }

  /// The place that the request names.
  func binding(_ options: LLMProxyOptions) -> CallBinding {
    CallBinding(
      key: caller.place, path, request.headers, isTrusted: caller.isTrusted, sessionHeaders: options.sessionHeaders)
  }

  /// What the span says besides the bytes.
  func context(_ binding: CallBinding) -> CallContext {
    let upstream = target.upstream
    var context = CallContext(
      traceID: trace.traceID, spanID: trace.spanID, provider: upstream.provider,
      serverAddress: upstream.serverAddress, serverPort: upstream.serverPort, startTime: startTime,
      endTime: startTime)
    context.parentID = trace.parentID
    context.traceState = trace.state
    context.traceFlags = trace.flags
    context.link = trace.link
    context.attributes = binding.attributes
    return context
  }

  /// The request as the provider gets it.
  func upstreamRequest(_ body: [UInt8], passesCredentials: Bool) -> ClientRequest {
    let upstream = target.upstream
    var sent = ClientRequest(
      method: request.method.rawValue,
      url: upstream.url(version: path.version, path: target.path, query: target.query),
      headers: UpstreamFields.make(request, upstream, passesCredentials: passesCredentials))
    if !body.isEmpty || request.method == .post || request.method == .put || request.method == .patch {
      sent.body = target.body ?? body
    }
    // Records can only be told apart when they are not compressed.
    if target.hidesUsage { sent.headers.set("accept-encoding", "identity") }
    if upstream.propagatesTraceContext {
      sent.headers.append("traceparent", trace.header)
      if !trace.state.isEmpty { sent.headers.append("tracestate", trace.state) }
    }
    sent.connectTimeout = upstream.connectTimeout
    sent.headTimeout = upstream.headTimeout
    sent.idleTimeout = upstream.idleTimeout
    sent.certificateFile = upstream.certificateFile
    return sent
  }
}
