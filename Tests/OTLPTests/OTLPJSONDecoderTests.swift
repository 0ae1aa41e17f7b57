import JSON
import OTLP
import Testing

@Suite struct `Decoding OTLP/JSON` {
  @Test(arguments: ["{}", "{\"resourceSpans\":[]}", "{\"resourceSpans\":null}", " {\n} ", "{\"unknown\":1}"])
  func `a request without spans is valid`(json: String) throws {
    #expect(try OTLPJSONDecoder.transcode(json.utf8Span.span).isEmpty)
  }

  @Test(
    arguments: [
      ("", .malformed), ("   ", .malformed), ("null", .invalidField), ("[]", .invalidField), ("1", .invalidField),
      ("{} {}", .malformed), ("{}x", .malformed), ("{\"resourceSpans\":[]", .malformed),
      ("{\"resourceSpans\":[],}", .malformed), ("{\"resourceSpans\":NaN}", .malformed),
      ("{\"resourceSpans\":{}}", .invalidField), ("{\"resourceSpans\":[1]}", .invalidField),
      ("{\"resourceSpans\":[{\"resource\":[]}]}", .invalidField),
      ("{\"unknown\":\"\u{1}\"}", .malformed), ("{\"unknown\":[1,]}", .malformed), ("{/**/}", .malformed),
    ] as [(String, OTLPJSONError.Code)])
  func `a body that is no request is refused`(json: String, code: OTLPJSONError.Code) {
    #expect(refusal(json) == code)
  }

  @Test(arguments: [
    // Identifiers.
    (#""traceId":"0AF7651916CD43DD8448EB211C80319C""#, #""traceId":"0af7651916cd43dd8448eb211c80319c""#),
    (#""traceId":"0af7""#, #""traceId":"0af7""#),
    (#""traceId":"0af""#, #""traceId":"00""#),
    (#""traceId":"xyz7651916cd43dd8448eb211c80319c""#, #""traceId":"00""#),
    (#""traceId":"\u0030\u0031""#, #""traceId":"00""#),
    (#""traceId":"""#, ""),
    (#""parentSpanId":null"#, ""),
    // Integers.
    (#""startTimeUnixNano":"18446744073709551615""#, #""startTimeUnixNano":"18446744073709551615""#),
    (#""startTimeUnixNano":1760000000000000000"#, #""startTimeUnixNano":"1760000000000000000""#),
    (#""startTimeUnixNano":1.76e18"#, #""startTimeUnixNano":"1760000000000000000""#),
    (#""startTimeUnixNano":"0""#, ""),
    (#""flags":4294967295"#, #""flags":4294967295"#),
    (#""droppedEventsCount":"3""#, #""droppedEventsCount":3"#),
    // Enumerations.
    (#""kind":3"#, #""kind":3"#),
    (#""kind":"SPAN_KIND_CLIENT""#, #""kind":3"#),
    (#""kind":"3""#, #""kind":3"#),
    (#""kind":-7"#, #""kind":-7"#),
    (#""kind":99"#, #""kind":99"#),
    (#""status":{"code":"STATUS_CODE_ERROR"}"#, #""status":{"code":2}"#),
    (#""status":{}"#, #""status":{}"#),
    // Repeated keys.
    (#""name":"a","name":"b""#, #""name":"b""#),
    (#""name":"a","name":"""#, ""),
    (#""name":"a","name":null"#, #""name":"a""#),
    (#""kind":3,"kind":0"#, ""),
    (#""status":{"code":2},"status":{"message":"m"}"#, #""status":{"message":"m","code":2}"#),
    (#""events":[{"name":"a"}],"events":[{"name":"b"}]"#, #""events":[{"name":"a"},{"name":"b"}]"#),
    // Fields that are not ours.
    (#""":{"a":[]},"start_time_unix_nano":5,"x":{"traceId":7},"name":"n""#, #""name":"n""#),
    (#""na\u006de":"escaped""#, #""name":"escaped""#),
    // Lists with null.
    (#""events":[null],"links":[null]"#, #""events":[{}],"links":[{}]"#),
    (#""attributes":[null]"#, #""attributes":[{}]"#),
    // Text.
    (#""name":"x\ud800y""#, "\"name\":\"x\u{FFFD}y\""),
    (#""name":"\u62d2\u7edd \ud83d\ude00""#, #""name":"拒绝 😀""#),
  ])
  func `a span means what the mapping says`(json: String, expected: String) throws {
    let request = #"{"resourceSpans":[{"scopeSpans":[{"spans":[{\#(json)}]}]}]}"#
    let canonical = #"{"resourceSpans":[{"scopeSpans":[{"spans":[{\#(expected)}]}]}]}"#
    #expect(try roundTrip(request) == JSONValue(parsing: canonical.utf8Span.span).sorted)
  }

  @Test(arguments: [
    (#"{"intValue":"-9223372036854775808"}"#, #"{"intValue":"-9223372036854775808"}"#),
    (#"{"intValue":9223372036854775807}"#, #"{"intValue":"9223372036854775807"}"#),
    (#"{"intValue":1e3}"#, #"{"intValue":"1000"}"#),
    (#"{"intValue":2.0}"#, #"{"intValue":"2"}"#),
    (#"{"intValue":0}"#, #"{"intValue":"0"}"#),
    (#"{"doubleValue":1}"#, #"{"doubleValue":1.0}"#),
    (#"{"doubleValue":-0.0}"#, #"{"doubleValue":-0.0}"#),
    (#"{"doubleValue":"NaN"}"#, #"{"doubleValue":"NaN"}"#),
    (#"{"doubleValue":"-Infinity"}"#, #"{"doubleValue":"-Infinity"}"#),
    (#"{"doubleValue":"Infinity"}"#, #"{"doubleValue":"Infinity"}"#),
    (#"{"doubleValue":"2.5"}"#, #"{"doubleValue":2.5}"#),
    (#"{"doubleValue":null}"#, "{}"),
    (#"{"boolValue":false}"#, #"{"boolValue":false}"#),
    (#"{"stringValue":""}"#, #"{"stringValue":""}"#),
    (#"{"bytesValue":"AP8="}"#, #"{"bytesValue":"AP8="}"#),
    (#"{"bytesValue":"AP8"}"#, #"{"bytesValue":"AP8="}"#),
    (#"{"bytesValue":"-_-_"}"#, #"{"bytesValue":"+/+/"}"#),
    (#"{"bytesValue":"+\/+\/"}"#, #"{"bytesValue":"+/+/"}"#),
    (#"{"bytesValue":""}"#, #"{"bytesValue":""}"#),
    (#"{"arrayValue":{}}"#, #"{"arrayValue":{}}"#),
    (#"{"arrayValue":{"values":[]}}"#, #"{"arrayValue":{}}"#),
    (#"{"arrayValue":{"values":[null,{}]}}"#, #"{"arrayValue":{"values":[{},{}]}}"#),
    (
      #"{"kvlistValue":{"values":[{"key":"k","value":{"intValue":1}},{"key":"e"}]}}"#,
      #"{"kvlistValue":{"values":[{"key":"k","value":{"intValue":"1"}},{"key":"e"}]}}"#
    ),
    (#"{"stringValue":"a","intValue":1}"#, #"{"intValue":"1"}"#),
    (#"{"intValue":1,"stringValue":""}"#, #"{"stringValue":""}"#),
    (#"{"arrayValue":{"values":[{}]},"stringValue":"s","arrayValue":{"values":[]}}"#, #"{"arrayValue":{}}"#),
    (#"{"unknownValue":1}"#, "{}"),
  ])
  func `a value means what the mapping says`(json: String, expected: String) throws {
    #expect(try roundTrip(attribute(json)) == JSONValue(parsing: attribute(expected).utf8Span.span).sorted)
  }

  @Test(arguments: [
    #""traceId":123"#, #""traceId":true"#, #""traceId":{}"#, #""name":1"#, #""name":["a"]"#, #""kind":"CLIENT""#,
    #""kind":1.5"#, #""kind":2147483648"#, #""kind":true"#, #""startTimeUnixNano":-1"#,
    #""startTimeUnixNano":"18446744073709551616""#, #""startTimeUnixNano":"""#, #""startTimeUnixNano":"abc""#,
    #""flags":4294967296"#, #""flags":-1"#, #""droppedLinksCount":1.5"#, #""status":2"#, #""events":{}"#,
    #""attributes":[{"value":{"intValue":1.5}}]"#, #""attributes":[{"value":{"intValue":"abc"}}]"#,
    #""attributes":[{"value":{"intValue":9223372036854775808}}]"#, #""attributes":[{"value":{"intValue":true}}]"#,
    #""attributes":[{"value":{"doubleValue":"nan"}}]"#, #""attributes":[{"value":{"doubleValue":1e999}}]"#,
    #""attributes":[{"value":{"boolValue":"true"}}]"#, #""attributes":[{"value":{"boolValue":1}}]"#,
    #""attributes":[{"value":{"bytesValue":"A"}}]"#, #""attributes":[{"value":{"bytesValue":"ä"}}]"#,
    #""attributes":[{"value":"text"}]"#, #""attributes":[{"value":{"arrayValue":[]}}]"#,
  ])
  func `a field that cannot hold its value refuses the request`(json: String) {
    #expect(refusal(#"{"resourceSpans":[{"scopeSpans":[{"spans":[{\#(json)}]}]}]}"#) == .invalidField)
  }

  @Test func `an empty list element is a span without anything`() throws {
    let json = #"{"resourceSpans":[null,{"scopeSpans":[{"spans":[null,{"name":"n"}]}]}]}"#
    let expected = #"{"resourceSpans":[{},{"scopeSpans":[{"spans":[{},{"name":"n"}]}]}]}"#
    #expect(try roundTrip(json) == JSONValue(parsing: expected.utf8Span.span).sorted)
  }

  @Test(arguments: [("arrayValue", ""), ("kvlistValue", #""value":"#)])
  func `values may be nested a hundred levels deep`(container: String, member: String) throws {
    func nested(_ depth: Int) -> String {
      let open = member.isEmpty ? "" : "{" + member
      let head = String(repeating: #"{"\#(container)":{"values":[\#(open)"#, count: depth - 1)
      return head + #"{"boolValue":true}"# + String(repeating: "\(member.isEmpty ? "" : "}")]}}", count: depth - 1)
    }
    let deepest = attribute(nested(100))
    let expected = try JSONValue(parsing: deepest.utf8Span.span).sorted
    #expect(try roundTrip(deepest) == expected)
    #expect(refusal(attribute(nested(101))) == .tooDeep)
  }

  @Test func `unknown fields may be nested deeper`() {
    let open = String(repeating: "[", count: 511)
    let close = String(repeating: "]", count: 511)
    #expect(refusal("{\"x\":\(open)\(close)}") == nil)
    #expect(refusal("{\"x\":[\(open)\(close)]}") == .tooDeep)
  }

  @Test func `an error tells the place`() {
    #expect(throws: OTLPJSONError.self) { try OTLPJSONDecoder.transcode("{\"resourceSpans\":7}".utf8Span.span) }
    do {
      _ = try OTLPJSONDecoder.transcode("{\"resourceSpans\":7}".utf8Span.span)
    } catch {
      #expect(error.offset == 17)
      #expect(error.description == "invalid OTLP/JSON: value of the wrong type at byte 17")
    }
  }

  private func attribute(_ value: String) -> String {
    #"{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"a","value":\#(value)}]}]}]}]}"#
  }

  private func roundTrip(_ json: String) throws -> JSONValue {
    let protobuf = try OTLPJSONDecoder.transcode(json.utf8Span.span)
    var writer = JSONWriter()
    try OTLPJSONWriter.appendRequest(protobuf.span, to: &writer)
    return try JSONValue(parsing: writer.bytes.span).sorted
  }

  private func refusal(_ json: String) -> OTLPJSONError.Code? {
    do throws(OTLPJSONError) {
      _ = try OTLPJSONDecoder.transcode(json.utf8Span.span)
      return nil
    } catch {
      return error.code
    }
  }
}
