import Foundation
import JSON
import OTLPReceiver
import Protobuf
import Telemetry
import Testing
import TraceStore
import Transport

@Suite struct `OTLP over HTTP` {
  @Test(arguments: ["application/x-protobuf", "Application/X-Protobuf", "application/x-protobuf; charset=utf-8"])
  func `protobuf is stored and answered in kind`(type: String) async throws {
    let receiver = Receiver()
    let response = try await receiver.post(Message.request(), type: type)
    #expect(response.status == 200)
    #expect(response.headers.first("content-type") == "application/x-protobuf")
    #expect(response.bytes.isEmpty)
    #expect(receiver.writer.spans.map(\.spanID) == [SpanID(value: 0x0102_0304_0506_0708)])
  }

  @Test(arguments: ["application/json", "APPLICATION/JSON", "application/json;charset=UTF-8"])
  func `JSON is stored and answered in kind`(type: String) async throws {
    let receiver = Receiver()
    let response = try await receiver.post(Array(Message.json.utf8), type: type)
    #expect(response.status == 200)
    #expect(response.headers.first("content-type") == "application/json")
    #expect(response.text == #"{"partialSuccess":{}}"#)
    #expect(receiver.writer.spans.count == 1)
  }

  @Test(arguments: [nil, "text/plain", "application/protobuf", "application/jsonx", ""] as [String?])
  func `another content type is refused`(type: String?) async throws {
    let receiver = Receiver()
    #expect(try await receiver.post(Message.request(), type: type).status == 415)
    #expect(receiver.writer.batches.isEmpty)
    #expect(receiver.refusals.newest.map(\.reason) == ["unsupported"])
  }

  @Test(arguments: ["GET", "PUT", "HEAD", "OPTIONS", "DELETE"])
  func `another method is not allowed`(method: String) async throws {
    let request = HTTPRequest(method: HTTPMethod(rawValue: method), path: "/v1/traces")
    let response = try #require(await Receiver().respond(request))
    #expect(response.status == 405)
    #expect(response.headers.first("allow") == "POST")
  }

  @Test(arguments: ["/v1/traces", "/prefix/v1/traces", "/", "/rollout/r/attempt/a/v1/traces"])
  func `many paths lead to the receiver`(path: String) async throws {
    let receiver = Receiver()
    #expect(try await receiver.post(Message.request(), path: path).status == 200)
    #expect(receiver.writer.spans.count == 1)
  }

  @Test(arguments: ["/v1/tracesx", "/v1", "/v1/traces/"])
  func `other paths do not`(path: String) {
    #expect(OTLPReceiver.route(HTTPRequest(method: .post, path: path)) == nil)
  }

  @Test func `a request without spans is a success and stores nothing`() async throws {
    let receiver = Receiver()
    #expect(try await receiver.post([]).status == 200)
    for json in ["{}", #"{"resourceSpans":[]}"#] {
      #expect(try await receiver.post(Array(json.utf8), type: "application/json").status == 200)
    }
    #expect(receiver.writer.batches.isEmpty)
  }

  @Test(arguments: ["", "null", "{", "[]", "{}{}", #"{"resourceSpans":3}"#])
  func `broken JSON is a bad request`(json: String) async throws {
    let response = try await Receiver().post(Array(json.utf8), type: "application/json")
    #expect(response.status == 400)
    #expect(response.headers.first("content-type") == "application/json")
    let status = try JSONValue(parsing: response.bytes.span)
    #expect(status["code"] == .integer(3))
    #expect(response.text.contains("google.rpc.BadRequest"))
  }

  @Test func `broken protobuf is a bad request`() async throws {
    let receiver = Receiver()
    let response = try await receiver.post([0x0A, 0x05])
    #expect(response.status == 400)
    #expect(response.headers.first("content-type") == "application/x-protobuf")
    let status = try DecodedStatus(response.bytes)
    #expect(status.code == 3)
    #expect(status.detailTypes == ["BadRequest"])
    #expect(!status.message.isEmpty)
    #expect(receiver.refusals.newest.first?.reason == "malformed")
    #expect(receiver.metric(#"fulgurite_requests_refused_total{reason="malformed"}"#) == "1")
  }

  @Test(arguments: ["gzip", "x-gzip", "GZIP", "deflate", "zstd"])
  func `a body that is not what its encoding says is a bad request`(encoding: String) async throws {
    let response = try await Receiver().post(Message.request(), encoding: encoding)
    #expect(response.status == 400)
    #expect(try DecodedStatus(response.bytes).code == 3)
  }

  @Test(arguments: ["br", "gzip, gzip", "snappy", "unknown"])
  func `an unknown encoding is refused, with those that are known`(encoding: String) async throws {
    let response = try await Receiver().post(Message.request(), encoding: encoding)
    #expect(response.status == 415)
    #expect(response.headers.first("accept-encoding")?.contains("gzip") == true)
  }

  @Test(arguments: ["gzip", "x-gzip", "Gzip", "identity", ""])
  func `known encodings are read`(encoding: String) async throws {
    let receiver = Receiver()
    let isCompressed = encoding.lowercased().hasSuffix("gzip")
    let body = isCompressed ? try gzip(Message.request()) : Message.request()
    #expect(try await receiver.post(body, encoding: encoding).status == 200)
    #expect(receiver.writer.spans.count == 1)
  }

  @Test func `a request over the limit is too large, as it comes and decompressed`() async throws {
    let receiver = Receiver { $0.requestBytes = 1_000 }
    let large = Message.request([Message.span(name: String(repeating: "n", count: 2_000))])
    let plain = try await receiver.post(large)
    #expect(plain.status == 413)
    #expect(plain.closesConnection)
    #expect(try DecodedStatus(plain.bytes).code == 8)
    let compressed = try gzip(large)
    #expect(compressed.count < 1_000)
    #expect(try await receiver.post(compressed, encoding: "gzip").status == 413)
    #expect(receiver.writer.batches.isEmpty)
    #expect(receiver.metric(#"fulgurite_requests_refused_total{reason="too_large"}"#) == "2")
  }

  @Test func `bad spans cost their neighbours nothing and are reported`() async throws {
    let receiver = Receiver()
    let response = try await receiver.post(
      Message.request([Message.span(), Message.span(id: [1]), Message.span(id: [])]))
    #expect(response.status == 200)
    // partial_success = 1: rejected_spans = 1, error_message = 2
    #expect(Array(response.bytes[2..<4]) == [0x08, 2])
    #expect(response.text.contains("span 1: span_id is not 8 bytes"))
    #expect(receiver.writer.spans.count == 1)
    #expect(receiver.refusals.newest.map(\.spans) == [2])
    #expect(receiver.metric(#"fulgurite_spans_refused_total{reason="invalid_id"}"#) == "2")
    #expect(receiver.metric(#"fulgurite_spans_received_total{transport="http"}"#) == "3")
    #expect(receiver.metric("fulgurite_spans_stored_total") == "1")
  }

  @Test func `a partial success in JSON has its numbers as text`() async throws {
    let response = try await Receiver().post(Array(Message.halfGoodJSON.utf8), type: "application/json")
    #expect(response.status == 200)
    let partial = try #require(JSONValue(parsing: response.bytes.span)["partialSuccess"])
    #expect(partial["rejectedSpans"] == .string("1"))
    #expect(partial["errorMessage"] != nil)
  }

  @Test func `a request of bad spans alone is a bad request`() async throws {
    let response = try await Receiver().post(Message.request([Message.span(id: [1])]))
    #expect(response.status == 400)
    #expect(try DecodedStatus(response.bytes).code == 3)
  }

  @Test(arguments: [StoreError.Code.overloaded, .full, .readOnly, .locked, .corrupt, .inputOutput, .closing])
  func `a store that cannot take spans now asks to come again`(code: StoreError.Code) async throws {
    let receiver = Receiver(FakeWriter(failure: StoreError(code, "x"))) { $0.retryDelaySeconds = 7 }
    let response = try await receiver.post(Message.request())
    #expect(response.status == 503)
    #expect(response.headers.first("retry-after") == "7")
    let status = try DecodedStatus(response.bytes)
    #expect(status.code == 14)
    #expect(status.detailTypes == ["RetryInfo"])
    let json = try await receiver.post(Array(Message.json.utf8), type: "application/json")
    #expect(json.status == 503)
    #expect(json.text.contains(#""retryDelay":"7s""#))
  }

  @Test func `what can never be stored is not to be sent again`() async throws {
    let response = try await Receiver(FakeWriter(failure: StoreError(.refused, "x"))).post(Message.request())
    #expect(response.status == 500)
    #expect(response.headers.first("retry-after") == nil)
    #expect(try DecodedStatus(response.bytes).code == 13)
  }

  @Test func `too many bytes in flight are refused for a while`() async throws {
    let receiver = Receiver { $0.inFlightBytes = 100 }
    let compressed = try gzip(
      Message.request([Message.span(name: String(repeating: "n", count: 2_000))]))
    let response = try await receiver.post(compressed, encoding: "gzip")
    #expect(response.status == 503)
    #expect(response.headers.first("retry-after") == "1")
    // What was in flight is given back.
    #expect(receiver.metric("fulgurite_in_flight_bytes") == "0")
    #expect(try await receiver.post(Message.request()).status == 200)
  }

  @Test(arguments: ["metrics", "logs"])
  func `other signals are counted and dropped`(signal: String) async throws {
    let receiver = Receiver()
    let response = try await receiver.post([1, 2, 3], type: "application/json", path: "/v1/\(signal)")
    #expect(response.status == 200)
    #expect(response.text == "{}")
    #expect(receiver.metric(#"fulgurite_discarded_requests_total{signal="\#(signal)"}"#) == "1")
    #expect(receiver.writer.batches.isEmpty)
  }

  @Test(arguments: [true, false])
  func `a trusted sender names its rollout by path or headers`(isTrusted: Bool) async throws {
    let receiver = Receiver()
    let headers: HTTPHeaders = ["x-rollout-id": "h", "x-attempt-id": "ha"]
    _ = try await receiver.post(Message.request(), headers: headers, isTrusted: isTrusted)
    _ = try await receiver.post(
      Message.request(), path: "/rollout/p%2F1/attempt/pa/v1/traces", headers: headers, isTrusted: isTrusted)
    _ = try await receiver.post(Message.request(), isTrusted: isTrusted)
    let expected = [
      RolloutTag(rolloutID: "h", attemptID: "ha", rule: .request),
      RolloutTag(rolloutID: "p/1", attemptID: "pa", rule: .request), .unassigned,
    ]
    #expect(receiver.writer.tags == (isTrusted ? expected : Array(repeating: .unassigned, count: 3)))
  }

  @Test func `what is refused names the rollouts that it was for`() async throws {
    let receiver = Receiver()
    let headers: HTTPHeaders = ["x-rollout-id": "h"]
    _ = try await receiver.post([0xFF], headers: headers, isTrusted: true)
    #expect(receiver.refusals.newest.first?.rolloutIDs == ["h"])
    _ = try await receiver.post([0xFF], headers: headers, isTrusted: false)
    #expect(receiver.refusals.newest.first?.rolloutIDs == [])
    let bad = Message.span(id: [1])
    let request = Message.request(
      [
        Message.span(), bad + Message.rollout("s", field: 9), bad, bad,
        Message.span() + Message.rollout("kept", field: 9),
      ],
      resource: Message.rollout("r", field: 1))
    _ = try await receiver.post(request, headers: headers, isTrusted: true)
    #expect(receiver.refusals.newest.first?.rolloutIDs == ["s", "r"])
    #expect(receiver.refusals.newest.first?.spans == 3)
    _ = try await receiver.post(Message.request([bad]), headers: headers, isTrusted: true)
    #expect(receiver.refusals.newest.first?.rolloutIDs == ["h"])
    let many = (0..<9).map { bad + Message.rollout("r\($0)", field: 9) }
    _ = try await receiver.post(Message.request(many + [bad + Message.rollout("", field: 9)]))
    #expect(receiver.refusals.newest.first?.rolloutIDs == ["r0", "r1", "r2", "r3"])
  }

  @Test(arguments: ["application/json", "Application/JSON", "application/x-protobuf"])
  func `a missing token is answered in kind`(type: String) throws {
    let request = HTTPRequest(method: .post, path: "/v1/traces", headers: ["content-type": type])
    let response = Receiver().receiver.unauthenticated(request)
    #expect(response.status == 401)
    #expect(response.headers.first("www-authenticate") == "Bearer")
    #expect(response.headers.first("content-type") == type.lowercased())
  }

  @Test func `text that is not UTF-8 is repaired`() async throws {
    let receiver = Receiver()
    var span = ProtobufWriter()
    span.append(Message.span().span)
    span.bytesField(3, ([0xFF] as [UInt8]).span)
    #expect(try await receiver.post(Message.request([span.bytes])).bytes.isEmpty)
    let segment = try #require(receiver.writer.batches.first?.segments.first)
    #expect(String(decoding: segment.bytes, as: UTF8.self).contains("\u{FFFD}"))
  }
}
