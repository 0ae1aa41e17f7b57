import JSON
import Testing
import Transport

@testable import QueryAPI

@Suite struct `Spans as Jaeger shows them` {
  private static let trace = "0123456789abcdef0123456789abcdef"

  /// What one span with these members becomes.
  private func transform(_ members: String, resource: String = "{}", scope: String = "{}") async throws -> JSONValue {
    let body = """
      {"resourceSpans":[{"resource":\(resource),"scopeSpans":[{"scope":\(scope),"spans":[
      {"traceId":"\(Self.trace)","spanId":"00000000000000aa",\(members)}]}]}]}
      """
    let answer = await ask(FakeStore(), .post, "/api/transform", body)
    #expect(answer.status == 200)
    return try #require(answer.json?["data"]?.elements?.first)
  }

  private func span(_ members: String, scope: String = "{}") async throws -> JSONValue {
    try #require(try await transform(members, scope: scope)["spans"]?.elements?.first)
  }

  private func attribute(_ value: String) -> String { #""attributes":[{"key":"k","value":\#(value)}]"# }

  @Test(
    arguments: [
      (#"{"stringValue":"x"}"#, #"{"key":"k","type":"string","value":"x"}"#),
      (#"{"boolValue":false}"#, #"{"key":"k","type":"bool","value":false}"#),
      (#"{"intValue":"9007199254740991"}"#, #"{"key":"k","type":"int64","value":9007199254740991}"#),
      (#"{"intValue":"9007199254740992"}"#, #"{"key":"k","type":"int64","value":"9007199254740992"}"#),
      (#"{"intValue":"-9007199254740991"}"#, #"{"key":"k","type":"int64","value":-9007199254740991}"#),
      (#"{"intValue":"-9223372036854775808"}"#, #"{"key":"k","type":"int64","value":"-9223372036854775808"}"#),
      (#"{"doubleValue":1.5}"#, #"{"key":"k","type":"float64","value":1.5}"#),
      (#"{"doubleValue":"NaN"}"#, #"{"key":"k","type":"float64","value":"NaN"}"#),
      (#"{"bytesValue":"AAH/"}"#, #"{"key":"k","type":"binary","value":"AAH/"}"#),
      ("{}", #"{"key":"k","type":"string","value":""}"#),
      (
        #"{"arrayValue":{"values":[{"intValue":"1"},{"stringValue":"a"},{},{"boolValue":true}]}}"#,
        #"{"key":"k","type":"string","value":"[1,\"a\",null,true]"}"#
      ),
      (
        #"{"kvlistValue":{"values":[{"key":"x","value":{"arrayValue":{}}},{"key":"y"}]}}"#,
        #"{"key":"k","type":"string","value":"{\"x\":[],\"y\":null}"}"#
      ),
    ])
  func `values keep their types as far as Jaeger has them`(value: String, expected: String) async throws {
    let tags = try await span(attribute(value))["tags"]
    #expect(tags?.elements == [try JSONValue(parsing: Array(expected.utf8).span)])
  }

  @Test func `what Jaeger has no place for becomes a tag`() async throws {
    let members =
      #""kind":3,"status":{"code":2,"message":"no"},"traceState":"a=b","flags":257,"name":"n","#
      + attribute(#"{"stringValue":"x"}"#)
    let span = try await span(members, scope: #"{"name":"lib","version":"1"}"#)
    let keys = span["tags"]?.elements?.compactMap { $0["key"]?.text }
    #expect(
      keys == [
        "otel.scope.name", "otel.scope.version", "k", "span.kind", "otel.status_code", "error",
        "otel.status_description", "w3c.tracestate",
      ])
    #expect(span["flags"] == .integer(1))
    #expect(span["processID"]?.text == "p1")
    #expect(span["warnings"] == .null)
  }

  @Test func `a negative duration is shown as none, with a warning`() async throws {
    let span = try await span(#""startTimeUnixNano":"5000000","endTimeUnixNano":"4000000""#)
    #expect(span["startTime"] == .integer(5_000))
    #expect(span["duration"] == .integer(0))
    #expect(span["warnings"]?.elements?.count == 1)
    #expect(span["operationName"]?.text == "empty-span-name")
  }

  @Test(
    arguments: [
      ("{}", "missing-service-name"),
      (#"{"attributes":[{"key":"service.name","value":{"stringValue":""}}]}"#, "empty-service-name"),
      (#"{"attributes":[{"key":"service.name","value":{"intValue":"1"}}]}"#, "service-name-wrong-type"),
      (#"{"attributes":[{"key":"service.name"}]}"#, "service-name-wrong-type"),
      (#"{"attributes":[{"key":"service.name","value":{"stringValue":"s"}}]}"#, "s"),
    ])
  func `every process has a name`(resource: String, expected: String) async throws {
    let trace = try await transform(#""name":"n""#, resource: resource)
    #expect(trace["processes"]?["p1"]?["serviceName"]?.text == expected)
    #expect(trace["processes"]?["p1"]?["tags"] == .array([]))
    #expect(trace["traceID"]?.text == Self.trace)
  }

  @Test(arguments: ["", "[]", "{", #"{"resourceSpans":1}"#, "null"])
  func `what is no trace is refused in Jaeger's form`(body: String) async throws {
    let answer = await ask(FakeStore(), .post, "/api/transform", body)
    #expect(answer.status == 400)
    #expect(answer.json?["data"] == .null)
    #expect(answer.json?["errors"]?.elements?.first?["code"] == .integer(400))
  }
}
