import JSON
import LightningAPI
import Protobuf
import Testing

@Suite struct `Members of an Agent Lightning span` {
  @Test func `an empty span has every key`() throws {
    let expected = #"""
      {"rollout_id":"ro","attempt_id":"at","sequence_id":7,"trace_id":"","span_id":"","parent_id":null,"name":"",\#
      "status":{"status_code":"UNSET","description":null},"attributes":{},"events":[],"links":[],"start_time":null,\#
      "end_time":null,"context":{"trace_id":"","span_id":"","is_remote":false,"trace_state":{}},"parent":null,\#
      "resource":{"attributes":{},"schema_url":""},"kind":0,\#
      "instrumentation_scope":{"name":"","version":"","attributes":{},"schema_url":""}}
      """#
    #expect(try write([]) == expected)
  }

  @Test func `what the models have no key for follows after them`() throws {
    let span = message {
      $0.stringField(3, "a=b")
      $0.varintField(6, 3)
      $0.varintField(10, 1)
      $0.varintField(12, 2)
      $0.varintField(14, 3)
      $0.fixed32Field(16, 257)
    }
    let json = try write(span)
    #expect(json.contains(#""kind":3"#))
    let extras = #""trace_state":"a=b","flags":257,"dropped_attributes_count":1,"dropped_events_count":2,"#
    #expect(json.hasSuffix(extras + #""dropped_links_count":3}"#))
  }

  @Test(arguments: [(0, "UNSET"), (1, "OK"), (2, "ERROR"), (3, "UNSET"), (UInt64.max, "UNSET")])
  func `a status has one of three codes`(code: UInt64, name: String) throws {
    let span = message {
      $0.bytesField(
        15,
        message {
          $0.varintField(3, code); $0.stringField(2, "why")
        })
    }
    #expect(try write(span).contains(#""status":{"status_code":"\#(name)","description":"why"}"#))
  }

  @Test func `events and links are complete`() throws {
    let span = message {
      $0.bytesField(11, [])
      $0.bytesField(
        11,
        message {
          $0.fixed64Field(1, 1_700_000_000_500_000_000)
          $0.stringField(2, "ev")
          $0.bytesField(3, attribute("k", int(1)))
          $0.varintField(4, 9)
        })
      $0.bytesField(
        13,
        message {
          $0.bytesField(1, [UInt8](0..<16))
          $0.bytesField(2, [UInt8](0..<8))
          $0.bytesField(4, attribute("lk", string("v")))
          $0.fixed32Field(6, 256)
        })
      $0.bytesField(13, [])
    }
    let json = try write(span)
    let event = #"{"name":"ev","attributes":{"k":1},"timestamp":1700000000.5,"dropped_attributes_count":9}"#
    #expect(json.contains(#""events":[{"name":"","attributes":{},"timestamp":null},\#(event)]"#))
    let context = #"{"trace_id":"000102030405060708090a0b0c0d0e0f","span_id":"0001020304050607","is_remote":false,"#
    #expect(json.contains(#"[{"context":\#(context)"trace_state":{}},"attributes":{"lk":"v"},"flags":256},"#))
    #expect(json.contains(#""is_remote":false,"trace_state":{}},"attributes":null}]"#))
  }

  @Test(
    arguments: [
      (1, "1e-09"), (999_999_999, "0.999999999"), (1_000_000_000, "1.0"),
      (1_700_000_000_123_456_789, "1700000000.1234567"),
      (1 << 53, "9007199.254740993"), (1 << 53 + 1, "9007199.254740993"), (.max, "18446744073.709553"),
      // Rounding twice would give another last digit here.
      (1_826_636_630_405_120_253, "1826636630.4051201"),
      (1_857_419_215_159_964_838, "1857419215.1599648"),
      (1_845_925_104_619_106_420, "1845925104.6191065"),
      (1_848_420_400_586_511_989, "1848420400.586512"),
      (1_804_466_249_193_441_456, "1804466249.1934414"),
    ] as [(UInt64, String)])
  func `times are the nearest seconds`(nanoseconds: UInt64, seconds: String) throws {
    #expect(try write(message { $0.fixed64Field(8, nanoseconds) }).contains(#""end_time":\#(seconds),"#))
  }

  @Test func `resource and scope are rendered whole`() throws {
    let resourceSpans = message {
      $0.bytesField(1, message { $0.bytesField(1, attribute("a", int(1))) })
      $0.stringField(3, "https://resource")
      $0.bytesField(1, message { $0.bytesField(1, attribute("b", map([]))) })
    }
    let scopeSpans = message {
      $0.bytesField(
        1,
        message {
          $0.stringField(1, "scope"); $0.stringField(2, "1.0"); $0.varintField(4, 2)
        })
      $0.bytesField(1, message { $0.bytesField(3, attribute("c", bool(true))) })
      $0.stringField(3, "https://scope")
    }
    let envelope = try AGLSpanEnvelope(resourceSpans: resourceSpans.span, scopeSpans: scopeSpans.span)
    let resource = #"{"attributes":{"a":1,"b":"{}"},"schema_url":"https://resource"}"#
    let scope =
      #"{"name":"scope","version":"1.0","attributes":{"c":true},"schema_url":"https://scope","#
      + #""dropped_attributes_count":2}"#
    #expect(String(decoding: envelope.resource, as: UTF8.self) == resource)
    #expect(String(decoding: envelope.scope, as: UTF8.self) == scope)
  }

  @Test func `a span that is malformed leaves nothing behind`() throws {
    let span = message { $0.bytesField(11, [0xFF]) }
    let nothing: [UInt8] = []
    let envelope = try AGLSpanEnvelope(resourceSpans: nothing.span, scopeSpans: nothing.span)
    let tags = AGLSpanTags(rolloutID: "ro", attemptID: "at", sequenceID: 7)
    var json = JSONWriter()
    json.beginArray()
    var writer = AGLSpanWriter()
    #expect(throws: ProtobufError.truncated) {
      try writer.append(span.span, at: 0..<span.count, tags: tags, envelope: envelope, to: &json)
    }
    #expect(json.bytes == Array("[".utf8))
  }
}

/// Writes a span without resource and scope.
func write(_ span: [UInt8]) throws -> String {
  let nothing: [UInt8] = []
  let envelope = try AGLSpanEnvelope(resourceSpans: nothing.span, scopeSpans: nothing.span)
  let tags = AGLSpanTags(rolloutID: "ro", attemptID: "at", sequenceID: 7)
  var json = JSONWriter()
  var writer = AGLSpanWriter()
  try writer.append(span.span, at: 0..<span.count, tags: tags, envelope: envelope, to: &json)
  return String(decoding: json.bytes, as: UTF8.self)
}
