import GenAI
import JSON
import SeededRandom
import Testing

@Suite struct RedactionTests {
  @Test("pointers reach requests and answers")
  func pointers() throws {
    var options = RecordingOptions()
    options.redaction = try Redaction(
      pointers: ["/messages/*/content", "/choices/0/message/content", "/a~1b/~0"], patterns: [])
    let exchange = LLMCase.named("chat_tool_result_turn").read(nil, options)
    #expect(exchange.request.messages[0].parts == [.text("[redacted]")])
    #expect(exchange.answer.choices[0].text == "[redacted]")
    #expect(exchange.request.model == "gpt-4o-mini")
  }

  @Test("a pointer to a text takes its tokens away", arguments: SpanProfile.allCases)
  func tokens(profile: SpanProfile) throws {
    let body =
      #"{"id":"c","choices":[{"index":0,"message":{"content":"SECRET one"},"token_ids":[3],"logprobs":{"content":[{"token":"SECRET"}]}},"#
      + #"{"index":1,"message":{"content":"two"},"token_ids":[4],"logprobs":{"content":[{"token":"two"}]}}],"prompt_token_ids":[1,2]}"#
    var options = RecordingOptions()
    options.redaction = try Redaction(pointers: ["/choices/0/message/content"], patterns: [])
    let exchange = Sample.read(.chatCompletions, body, options)
    #expect(exchange.answer.choices[0].tokenIDs == nil && exchange.answer.choices[0].logprobs == nil)
    #expect(exchange.answer.choices[1].tokenIDs == [4] && exchange.answer.choices[1].logprobs != nil)
    #expect(exchange.answer.promptTokenIDs == [1, 2])
    for span in try LLMCase.named("chat_basic").compose(exchange, profile) {
      #expect(!"\(span.attributes)".contains("SECRET"))
      #expect(span.text("llm.hosted_vllm.choices")?.contains("[3]") != true)
    }
  }

  @Test(
    "a pointer to something of the prompt takes its tokens away",
    arguments: [
      ("/messages/*/content", true), ("/messages/0", true), ("/tools/0/function/description", true),
      ("/documents", true), ("/user", false), ("/metadata/a", false), ("/model", false), ("/messages/1/content", false),
      ("/messages/0/name", false),
    ])
  func promptTokens(pointer: String, isHidden: Bool) throws {
    let request =
      #"{"model":"m","user":"u","metadata":{"a":"b"},"documents":["d"],"messages":[{"role":"user","name":null,"content":"x"}],"#
      + #""tools":[{"type":"function","function":{"name":"f","description":"d"}}]}"#
    let body = #"{"choices":[{"message":{"content":"a"},"token_ids":[3]}],"prompt_token_ids":[1,2]}"#
    var options = RecordingOptions()
    options.redaction = try Redaction(pointers: [pointer], patterns: [])
    let answer = Sample.read(.chatCompletions, body, request: request, options).answer
    #expect(answer.promptTokenIDs == (isHidden ? nil : [1, 2]))
    #expect(answer.choices[0].tokenIDs == [3])
  }

  @Test(
    "a request with many members, many of them hidden, is searched once",
    arguments: [(["/user"], false), (["/user", "/z"], true)])
  func manyPlaces(pointers: [String], isHidden: Bool) throws {
    let count = 100_000
    let request =
      "{\(String(repeating: #""user":"x","#, count: count))\(String(repeating: #""a":1,"#, count: count))\"z\":1}"
    var options = RecordingOptions()
    options.redaction = try Redaction(pointers: pointers, patterns: [])
    let answer = Sample.read(.chatCompletions, #"{"prompt_token_ids":[1,2]}"#, request: request, options).answer
    #expect(answer.promptTokenIDs == (isHidden ? nil : [1, 2]))
  }

  @Test(
    "of a request that cannot be read the tokens of the prompt are left out, as soon as anything is to be",
    arguments: [
      Array(#"{"messages":[{"role":"user","content":"x"}],"temperature":NaN}"#.utf8),
      // Little-endian UTF-16.
      #"{"messages":[]}"#.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }, Array("[]".utf8), [],
    ])
  func unreadableRequests(request: [UInt8]) throws {
    let rules: [(pointers: [String], patterns: [String])] = [(["/messages"], []), ([], ["secret"]), ([], [])]
    for (pointers, patterns) in rules {
      var options = RecordingOptions()
      options.redaction = try Redaction(pointers: pointers, patterns: patterns)
      let reader = ExchangeReader(api: .chatCompletions, path: "/", requestBody: request, options: options)
      reader.begin(status: 200, contentType: "application/json", contentEncoding: nil)
      reader.receive(Array(#"{"prompt_token_ids":[1,2]}"#.utf8).span)
      let isHidden = !pointers.isEmpty || !patterns.isEmpty
      #expect(reader.finish(.complete).answer.promptTokenIDs == (isHidden ? nil : [1, 2]))
    }
  }

  @Test("old lists of token ids belong to the choice of their index")
  func listsOfTokens() throws {
    var options = RecordingOptions()
    options.redaction = try Redaction(pointers: ["/choices/0"], patterns: [])
    let body =
      #"{"choices":[{"index":0,"message":{"content":"a"}},{"index":1,"message":{"content":"b"}}],"response_token_ids":[[5],[6]]}"#
    let choices = Sample.read(.chatCompletions, body, options).answer.choices
    #expect(choices.map(\.index) == [1] && choices[0].tokenIDs == [6])
  }

  @Test("patterns reach every text", arguments: LLMCase.all)
  func patterns(of example: LLMCase) throws {
    var options = RecordingOptions()
    options.redaction = try Redaction(pointers: [], patterns: ["(?i)[aeiou]"])
    for profile in SpanProfile.allCases {
      for span in try example.compose(example.read(nil, options), profile) {
        for key in span.attributes.keys where key.hasPrefix("gen_ai.prompt") && key.hasSuffix("content") {
          let text = (span.text(key) ?? "").replacing("[redacted]", with: "")
          #expect(!text.contains { "aeiou".contains($0) } || text.hasPrefix("["), "\(text)")
        }
      }
    }
  }

  @Test("what JSON escapes is found, and it stays JSON")
  func escaped() throws {
    var options = RecordingOptions()
    options.redaction = try Redaction(pointers: [], patterns: [#"[\w.]+@[\w.]+"#])
    let body =
      #"{"choices":[{"message":{"content":"to a.b@c.de!","tool_calls":[{"id":"t","function":{"name":"f","arguments":"{\"to\":\"a\\u0040b.c\",\"n\":1}"}}]},"token_ids":[1],"logprobs":{"content":[{"token":"a"}]}}],"prompt_token_ids":[5]}"#
    let answer = Sample.read(.chatCompletions, body, options).answer
    #expect(answer.choices[0].text == "to [redacted]!")
    #expect(answer.choices[0].toolCalls[0].arguments == #"{"to":"[redacted]","n":1}"#)
    // They spell out the text.
    #expect(answer.choices[0].tokenIDs == nil && answer.choices[0].logprobs == nil)
    #expect(answer.promptTokenIDs == [5])
  }

  @Test(
    "escapes are seen through in arguments that were cut or are no JSON",
    arguments: [
      (#"{"m":"bob\u0040exam"#, #"{"m":"[redacted]"#), (#"{"m":"bob\u0040exam\u00"#, #"{"m":"[redacted]\u00"#),
      (#"{"m":"\"b\u00f6b\u0040exam\n"#, #"{"m":"\"[redacted]\n"#),
      (#"{'m': 'bob\u0040exam'}"#, #"{'m': '[redacted]'}"#),
      (#"{"m":"\ud83d\ude00x\u0040y","#, #"{"m":"\ud83d\ude00[redacted]","#),
      (#"{"a":"\ud83dx@y\"#, #"{"a":"\ud83d[redacted]\"#),
      (#"{"m":"bob\u004"#, #"{"m":"bob\u004"#), (#"\u004g\x"#, #"\u004g\x"#), ("x@y", "[redacted]"),
    ])
  func broken(arguments: String, expected: String) throws {
    #expect(try redact(arguments: arguments, #"[\wö]+@\w+"#) == expected)
  }

  @Test("what is found behind escapes is replaced where it was written")
  func mixed() throws {
    var random = SplitMix64(seed: 29)
    let pieces = [
      "a", "ö", #"\n"#, #"\""#, #"\x"#, #"\u00e9"#, #"\u20ac"#, #"\ud83d\ude00"#, #"\ud83d"#, "@", #"\u0040"#,
    ]
    for _ in 0..<200 {
      let count = Int.random(in: 1...30, using: &random)
      let written = (0..<count).map { _ in pieces.randomElement(using: &random)! }
      let expected = written.map { $0 == "@" || $0 == #"\u0040"# ? "[redacted]" : $0 }
      // The apostrophe makes sure that it is no JSON.
      #expect(try redact(arguments: "'\(written.joined())", "@") == "'\(expected.joined())")
    }
  }

  /// The arguments of a call in a stream, as they are recorded.
  private func redact(arguments: String, _ pattern: String) throws -> String {
    var options = RecordingOptions()
    options.redaction = try Redaction(pointers: [], patterns: [pattern])
    var writer = JSONWriter()
    writer.string(arguments)
    let piece = String(decoding: writer.bytes, as: UTF8.self)
    let record =
      #"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t","function":{"name":"f","arguments":\#(piece)}}]}}]}"#
    let answer = Sample.read(.chatCompletions, Sample.events([record]), contentType: "text/event-stream", options)
      .answer
    return answer.choices[0].toolCalls[0].arguments
  }

  @Test("a stream is searched once it is whole")
  func stream() throws {
    var options = RecordingOptions()
    options.redaction = try Redaction(pointers: [], patterns: ["sk-[0-9]{4}"])
    let records = ["key sk", "-12", "34."].map { #"{"choices":[{"index":0,"delta":{"content":"\#($0)"}}]}"# }
    let exchange = Sample.read(.chatCompletions, Sample.events(records), contentType: "text/event-stream", options)
    #expect(exchange.answer.choices[0].text == "key [redacted].")
  }

  @Test("a search that takes too long hides the whole text")
  func runaway() throws {
    var options = RecordingOptions()
    options.redaction = try Redaction(pointers: [], patterns: ["(a+)+$"])
    let text = String(repeating: "a", count: 60) + "b"
    let body = #"{"choices":[{"message":{"content":"\#(text)"}}]}"#
    #expect(Sample.read(.chatCompletions, body, options).answer.choices[0].text == "[redacted]")
  }

  @Test(
    "empty matches and characters of several bytes",
    arguments: [
      ("x*", "äxxö", "ä[redacted]ö"), ("ö", "äöö", "ä[redacted][redacted]"), ("", "ä", "ä"),
      ("(?<=ä)\\Kb|$", "äb", "ä[redacted]"),
    ])
  func odd(pattern: String, text: String, expected: String) throws {
    var options = RecordingOptions()
    options.redaction = try Redaction(pointers: [], patterns: [pattern])
    let body = #"{"choices":[{"message":{"content":"\#(text)"}}]}"#
    #expect(Sample.read(.chatCompletions, body, options).answer.choices[0].text == expected)
  }

  @Test("rules that are wrong are refused with their place")
  func refusals() {
    #expect(throws: RedactionError.self) { try Redaction(pointers: ["a"], patterns: []) }
    #expect(throws: RedactionError.self) { try Redaction(pointers: ["/a~2"], patterns: []) }
    #expect(throws: RedactionError.self) { try Redaction(pointers: [""], patterns: []) }
    do {
      _ = try Redaction(pointers: [], patterns: ["ab(c"])
      Issue.record("the pattern was accepted")
    } catch {
      #expect(error.offset == 4)
      #expect(error.description.contains("parenthesis"))
    }
  }
}
