import Foundation
import OTLPReceiver
import Protobuf
import Telemetry
import Testing
import TraceStore
import Transport

@Suite struct `OTLP over gRPC` {
  @Test(arguments: ["application/grpc", "application/grpc+proto", "application/grpc; x=y"])
  func `a call is stored and answered`(type: String) async throws {
    let receiver = Receiver()
    let response = try await receiver.call(Message.framed(Message.request()), headers: ["content-type": type])
    #expect(response.status == 200)
    #expect(response.headers.first("content-type") == "application/grpc")
    #expect(response.bytes == [0, 0, 0, 0, 0])
    #expect(response.trailers.first("grpc-status") == "0")
    #expect(receiver.writer.spans.count == 1)
  }

  @Test func `a compressed call is stored`() async throws {
    let receiver = Receiver()
    let body = Message.framed(try gzip(Message.request()), flag: 1)
    #expect(try await receiver.call(body, headers: ["grpc-encoding": "gzip"]).grpcStatus == "0")
    #expect(receiver.writer.spans.count == 1)
    // A sender may name an encoding and not use it.
    #expect(
      try await receiver.call(Message.framed(Message.request()), headers: ["grpc-encoding": "gzip"]).grpcStatus == "0")
  }

  private static let faults: [(String, [UInt8], HTTPHeaders, String)] = [
    ("undecodable", Message.framed([0x0A, 0x05]), [:], "3"),
    ("compressed, but not said how", Message.framed(Message.request(), flag: 1), [:], "13"),
    ("compressed with identity", Message.framed(Message.request(), flag: 1), ["grpc-encoding": "identity"], "13"),
    ("unknown encoding", Message.framed(Message.request()), ["grpc-encoding": "br"], "12"),
    ("unknown flag", Message.framed(Message.request(), flag: 2), [:], "13"),
    ("declared too large", Message.framed([], length: 1 << 31), [:], "8"),
    ("corrupt gzip", Message.framed(Message.request(), flag: 1), ["grpc-encoding": "gzip"], "13"),
    ("cut", Message.framed(Message.request()).dropLast(), [:], "13"),
    ("cut in the prefix", [0, 0, 0], [:], "13"),
    ("no message", [], [:], "13"),
    ("two messages", Message.framed(Message.request()) + Message.framed([]), [:], "13"),
    ("no time left", Message.framed(Message.request()), ["grpc-timeout": "0n"], "4"),
    ("malformed timeout", Message.framed(Message.request()), ["grpc-timeout": "1x"], "13"),
    ("timeout without a number", Message.framed(Message.request()), ["grpc-timeout": "S"], "13"),
    ("timeout of nine digits", Message.framed(Message.request()), ["grpc-timeout": "123456789S"], "13"),
    ("negative timeout", Message.framed(Message.request()), ["grpc-timeout": "-1S"], "13"),
    ("bad spans alone", Message.framed(Message.request([Message.span(id: [1])])), [:], "3"),
  ].map { ($0.0, Array($0.1), $0.2, $0.3) }

  @Test(arguments: faults.indices)
  func `a faulty call has its status`(index: Int) async throws {
    let (name, body, headers, status) = Self.faults[index]
    let receiver = Receiver { $0.requestBytes = 1 << 20 }
    let response = try await receiver.call(body, headers: headers)
    #expect(response.status == 200, "\(name)")
    #expect(response.grpcStatus == status, "\(name)")
    #expect(response.headers.first("grpc-message")?.isEmpty == false)
    #expect(receiver.writer.batches.isEmpty)
    #expect(!receiver.refusals.newest.isEmpty)
    if status == "12" { #expect(response.headers.first("grpc-accept-encoding") == "identity,gzip") }
    if status == "8" { #expect(response.headers.first("grpc-status-details-bin") == nil) }
  }

  @Test func `a message that decompresses to too much is too large`() async throws {
    let large = Message.request([Message.span(name: String(repeating: "n", count: 5_000))])
    let body = Message.framed(try gzip(large), flag: 1)
    let receiver = Receiver { $0.requestBytes = 1_000 }
    #expect(try await receiver.call(body, headers: ["grpc-encoding": "gzip"]).grpcStatus == "8")
  }

  @Test(arguments: ["1H", "5M", "10S", "99999999m", "99999999u", "99999999n"])
  func `a call with time left is stored`(timeout: String) async throws {
    let response = try await Receiver().call(Message.framed(Message.request()), headers: ["grpc-timeout": timeout])
    #expect(response.grpcStatus == "0" || timeout.hasSuffix("n"))
  }

  @Test(
    arguments: [
      "/opentelemetry.proto.collector.trace.v1.TraceService/Other", "/unknown.Service/Export", "/v1/traces", "/", "x",
    ])
  func `an unknown method is unimplemented`(path: String) async throws {
    #expect(try await Receiver().call(Message.framed([]), path: path).grpcStatus == "12")
  }

  @Test func `another content type, method or version is refused`() async throws {
    let receiver = Receiver()
    let post = HTTPRequest(
      method: .post, path: Receiver.exportPath, version: .http2, headers: ["content-type": "text/plain"])
    let type = try #require(await receiver.respond(post))
    #expect(type.status == 415)
    #expect(type.grpcStatus == "3")
    var get = post
    get.headers = ["content-type": "application/grpc"]
    get.method = .get
    let method = try #require(await receiver.respond(get))
    #expect(method.status == 405)
    #expect(method.headers.first("allow") == "POST")
    get.method = .post
    get.version = .http11
    #expect(try #require(await receiver.respond(get)).status == 505)
  }

  @Test func `a store that cannot take spans now asks to come again`() async throws {
    let receiver = Receiver(FakeWriter(failure: StoreError(.full, "/secret/path"))) { $0.retryDelaySeconds = 3 }
    let response = try await receiver.call(Message.framed(Message.request()))
    #expect(response.grpcStatus == "14")
    // The kind of the failure, but not its details: they name files.
    #expect(response.headers.first("grpc-message")?.contains("disk_full") == true)
    #expect(response.headers.first("grpc-message")?.contains("secret") == false)
    let details = try #require(response.headers.first("grpc-status-details-bin"))
    let padded = details + String(repeating: "=", count: (4 - details.count % 4) % 4)
    let status = try DecodedStatus([UInt8](try #require(Data(base64Encoded: padded))))
    #expect(status.code == 14)
    #expect(status.detailTypes == ["RetryInfo"])
    #expect(receiver.metric(#"fulgurite_requests_refused_total{reason="store"}"#) == "1")
  }

  @Test func `bad spans are reported beside a success`() async throws {
    let receiver = Receiver()
    let response = try await receiver.call(Message.framed(Message.request([Message.span(), Message.span(id: [1])])))
    #expect(response.grpcStatus == "0")
    #expect(response.bytes[0] == 0)
    #expect(Int(response.bytes[4]) == response.bytes.count - 5)
    #expect(response.text.contains("span_id is not 8 bytes"))
    #expect(receiver.refusals.newest.map(\.transport) == ["grpc"])
  }

  @Test(arguments: ["metrics", "logs"])
  func `other signals are counted and dropped`(signal: String) async throws {
    let receiver = Receiver()
    let service = "\(signal.prefix(1).uppercased())\(signal.dropFirst())Service"
    let response = try await receiver.call(
      Message.framed([1]), path: "/opentelemetry.proto.collector.\(signal).v1.\(service)/Export")
    #expect(response.grpcStatus == "0")
    #expect(receiver.metric(#"fulgurite_discarded_requests_total{signal="\#(signal)"}"#) == "1")
  }

  @Test(arguments: [true, false], ["", "opentelemetry.proto.collector.trace.v1.TraceService"])
  func `health is that of the store`(isHealthy: Bool, service: String) async throws {
    var request = ProtobufWriter()
    if !service.isEmpty { request.stringField(1, service) }
    let response = try await Receiver(isStoreHealthy: isHealthy).call(
      Message.framed(request.bytes), path: "/grpc.health.v1.Health/Check")
    #expect(response.grpcStatus == "0")
    #expect(response.bytes == Message.framed([0x08, isHealthy ? 1 : 2]))
  }

  @Test func `the health of an unknown service is not found`() async throws {
    var request = ProtobufWriter()
    request.stringField(1, "unknown")
    let response = try await Receiver().call(Message.framed(request.bytes), path: "/grpc.health.v1.Health/Check")
    #expect(response.grpcStatus == "5")
  }

  @Test func `metadata names the rollout of a trusted sender`() async throws {
    let receiver = Receiver()
    for isTrusted in [true, false] {
      _ = try await receiver.call(
        Message.framed(Message.request()), headers: ["x-rollout-id": "r"], isTrusted: isTrusted)
    }
    #expect(receiver.writer.tags == [RolloutTag(rolloutID: "r", rule: .request), .unassigned])
  }

  @Test func `a missing token is unauthenticated`() {
    let request = HTTPRequest(
      method: .post, path: Receiver.exportPath, version: .http2, headers: ["content-type": "application/grpc"])
    let response = Receiver().receiver.unauthenticated(request)
    #expect(response.status == 200)
    #expect(response.grpcStatus == "16")
  }
}
