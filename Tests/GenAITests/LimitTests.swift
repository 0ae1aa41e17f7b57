import Compression
import Foundation
import GenAI
import Testing

/// Recording has bounds; the facts up to them are kept.
@Suite struct LimitTests {
  @Test("a JSON body is read up to its limit")
  func body() {
    var options = RecordingOptions()
    options.answerBytes = 1000
    let body = #"{"id":"c","choices":[{"index":0,"message":{"content":"\#(String(repeating: "x", count: 3000))"}}]}"#
    let exchange = Sample.read(.chatCompletions, body, options)
    #expect(exchange.delivery.isTruncated)
    #expect(exchange.answer.id == "c")
    #expect((800..<1000).contains(exchange.answer.choices[0].text?.count ?? 0))
    #expect(!exchange.delivery.isInvalid)
  }

  @Test("of a stream what it says is bounded, and its end is read")
  func stream() {
    var options = RecordingOptions()
    options.answerBytes = 2000
    var records = (0..<500).map { _ in #"{"choices":[{"index":0,"delta":{"content":"0123456789"}}]}"# }
    records += [
      #"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":500}}"#,
      "[DONE]",
    ]
    let exchange = Sample.read(.chatCompletions, Sample.events(records), contentType: "text/event-stream", options)
    #expect(exchange.delivery.isTruncated)
    #expect((1000...3000).contains(exchange.answer.choices[0].text?.count ?? 0))
    #expect(exchange.answer.usage?.outputTokens == 500)
    #expect(exchange.answer.finishReasons == ["stop"])
  }

  @Test("a record that is too large ends the reading")
  func record() {
    var options = RecordingOptions()
    options.recordBytes = 100
    let records = [#"{"id":"c","choices":[]}"#, #"{"id":"\#(String(repeating: "x", count: 200))"}"#, "[DONE]"]
    let exchange = Sample.read(.chatCompletions, Sample.events(records), contentType: "text/event-stream", options)
    #expect(exchange.delivery.isTruncated)
    #expect(exchange.answer.id == "c")
    #expect(exchange.delivery.events?.records == 1)
  }

  @Test("how large a line may be does not depend on the pieces", arguments: [93, 94, 95, 101])
  func lines(count: Int) {
    var options = RecordingOptions()
    options.recordBytes = 100
    for name in ["data: ", "event: ", ": "] {
      let body = Array("\(name)\(String(repeating: "x", count: count))\n\ndata: [DONE]\n\n".utf8)
      let exchanges = [1, 7, body.count].map { size in
        let reader = ExchangeReader(api: .chatCompletions, path: "/", requestBody: Array("{}".utf8), options: options)
        reader.begin(status: 200, contentType: "text/event-stream", contentEncoding: nil)
        for start in stride(from: 0, to: body.count, by: size) {
          reader.receive(body.span.extracting(start..<min(start + size, body.count)))
        }
        return reader.finish(.complete)
      }
      #expect(exchanges[0] == exchanges[2] && exchanges[1] == exchanges[2])
      #expect(exchanges[0].delivery.isTruncated == (name.utf8.count + count > 100))
    }
  }

  @Test("lists of token ids do not cost a search of all choices each")
  func listsOfTokens() {
    // One more would be one too many.
    let choices = (0..<2047).map { #"{"index":\#($0),"message":{}}"# } + [#"{"index":999999,"message":{}}"#]
    let lists = String(repeating: "0,", count: 999_999) + "[7]"
    let body = #"{"choices":[\#(choices.joined(separator: ","))],"response_token_ids":[\#(lists)]}"#
    let answer = Sample.read(.chatCompletions, body).answer
    #expect(answer.choices.count == 2048 && answer.choices.last?.tokenIDs == [7])
    #expect(answer.choices.count { $0.tokenIDs == nil } == 2047)
  }

  @Test("pieces of a choice do not cost a search of all choices each")
  func pieces() {
    let choices = (0..<2048).map { #"{"index":\#($0),"text":"a"}"# }
    let pieces = String(repeating: #",{"index":0}"#, count: 500_000)
    let body = #"{"choices":[\#(choices.joined(separator: ","))\#(pieces),{"index":0,"text":"b"}]}"#
    let answer = Sample.read(.completions, body).answer
    #expect(answer.choices.count == 2048 && answer.choices[0].text == "ab" && answer.choices[2047].text == "a")
  }

  @Test("a compressed bomb is not unpacked", arguments: ["application/json", "text/event-stream"])
  func bomb(contentType: String) throws {
    var options = RecordingOptions()
    options.answerBytes = 10_000
    options.streamBytes = 50_000
    let bomb = try GzipCompressor(level: 6).compress([UInt8](repeating: 0x20, count: 50_000_000).span)
    let clock = ContinuousClock()
    let time = clock.measure {
      let exchange = Sample.read(
        .chatCompletions, bomb, contentType: contentType, contentEncoding: "gzip", options)
      #expect(exchange.delivery.isTruncated)
    }
    #expect(time < .seconds(5))
  }

  @Test("a compressed stream is read while it comes")
  func compressedStream() throws {
    let records = (0..<50).map { #"{"choices":[{"index":0,"delta":{"content":"\#($0),"}}]}"# } + ["[DONE]"]
    let body = try GzipCompressor(level: 6).compress(Array(Sample.events(records).utf8).span)
    let plain = Sample.read(.chatCompletions, Sample.events(records), contentType: "text/event-stream")
    let reader = ExchangeReader(
      api: .chatCompletions, path: "/", requestBody: Array("{\"model\":\"m\"}".utf8), options: RecordingOptions())
    reader.begin(status: 200, contentType: "text/event-stream", contentEncoding: " GZIP ")
    for byte in body { reader.receive([byte].span) }
    #expect(reader.finish(.complete) == plain)
  }

  @Test("an answer in brotli")
  func brotli() throws {
    let base64 =
      "GyACICwKY2NteGOaxO+SoE+XhLOgHN5jQ2BuqZ5lkYtgqAZDNBxRg+FyvE/PT1ve6Esdlq6nB6xFBVHY1mr1X76Dn/0Ger3hgzx7hcI891w4Jym"
      + "AmFmIuNm7noc4yATRbgqBAbsUxcDPyPqZOxythk29Y/AhrJd0ooYbBqzTNshFO5c/ESkrs11fgAK1RA=="
    let body = [UInt8](try #require(Data(base64Encoded: base64)))
    let exchange = Sample.read(.chatCompletions, body, contentEncoding: "br")
    #expect(exchange.answer.choices[0].text == String(repeating: "Grüße aus Köln. ", count: 20))
    #expect(exchange.answer.usage?.outputTokens == 60)
  }

  @Test("of an answer in an unknown coding the status is known")
  func unknownCoding() {
    let exchange = Sample.read(.chatCompletions, "abc", contentEncoding: "compress")
    #expect(exchange.delivery.status == 200 && !exchange.delivery.isInvalid)
    #expect(exchange.answer == AnswerFacts())
  }
}
