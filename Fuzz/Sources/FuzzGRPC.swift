import Logging
import Metrics
import OTLPReceiver
import Telemetry
import Threads
import TraceStore
import Transport

/// Sends bytes as the body of a gRPC call; the first of them chooses the headers.
func fuzzGRPC(_ bytes: Span<UInt8>) {
  guard let choice = bytes.isEmpty ? nil : bytes[0] else { return }
  let body = unsafe bytes.extracting(1...).withUnsafeBufferPointer { unsafe Array($0) }
  var headers: HTTPHeaders = ["content-type": "application/grpc"]
  if choice & 1 != 0 { headers.append("grpc-encoding", choice & 2 == 0 ? "gzip" : "identity") }
  if choice & 4 != 0 { headers.append("grpc-timeout", String(decoding: body.prefix(10), as: UTF8.self)) }
  let path =
    choice & 8 == 0 ? "opentelemetry.proto.collector.trace.v1.TraceService/Export" : "grpc.health.v1.Health/Check"
  let request = HTTPRequest(
    method: .post, path: "/" + path, version: .http2, headers: headers, body: RequestBody(body))
  let response = respond(to: request)
  let status = response.trailers.first("grpc-status") ?? response.headers.first("grpc-status")
  precondition(response.status == 200, "gRPC answers have HTTP status 200")
  precondition(["0", "3", "4", "5", "8", "12", "13"].contains(status), "a call has a status that it cannot have")
}

private let receiver: OTLPReceiver = {
  var options = OTLPReceiverOptions()
  options.requestBytes = 1 << 16
  let logger = Logger(
    level: .error, format: .text, sink: LogSink { _ in },
    clock: LogClock(now: { Timestamp(millisecondsSinceEpoch: 0) }, uptime: { .zero }))
  return OTLPReceiver(
    writer: ForgetfulWriter(), options: options, registry: MetricsRegistry(), refusals: RefusalLog(), logger: logger,
    now: { 0 }, isStoreHealthy: { true })
}()

private struct ForgetfulWriter: SpanWriter {
  func append(_ batch: SpanBatch) async throws(StoreError) -> AppendReceipt { AppendReceipt(stored: batch.spans.count) }
}

/// Waits for the answer on the fuzzer's thread, which is none of the pool's.
private func respond(to request: HTTPRequest) -> HTTPResponse {
  let answer = Monitor<HTTPResponse?>(nil)
  Task {
    let response = await receiver.respond(to: request, .grpc, isTrusted: true)
    answer.update { value in
      value = response
      return true
    }
  }
  return answer.wait(until: { $0 != nil }) { $0! }
}
