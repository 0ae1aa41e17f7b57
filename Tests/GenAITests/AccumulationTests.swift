import GenAI
import Testing

/// The rules by which pieces of streams come together.
@Suite struct AccumulationTests {
  @Test("a new id at a used index begins another call")
  func sameIndex() {
    let exchange = Sample.chat([
      #"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}"#,
      #"{"tool_calls":[{"index":0,"id":"b","function":{"name":"g","arguments":"1"}}]}"#,
      #"{"tool_calls":[{"index":0,"id":"b","function":{"name":"x","arguments":"2"}}]}"#,
      #"{"tool_calls":[{"index":0,"id":"","function":{"arguments":null}}]}"#,
    ])
    #expect(
      exchange.answer.choices[0].toolCalls == [
        ToolCall(id: "a", name: "f", arguments: "{}"), ToolCall(id: "b", name: "g", arguments: "12"),
      ])
  }

  @Test("calls stand in the order of their indices, those of one index in that in which they came")
  func order() {
    let exchange = Sample.chat([
      #"{"tool_calls":[{"index":2,"id":"c","function":{"name":"h"}}]}"#,
      #"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f"}},{"index":1,"id":"b","function":{"name":"g"}}]}"#,
      #"{"tool_calls":[{"index":1,"id":"b2","function":{"name":"g"}},{"index":2,"function":{"arguments":"3"}}]}"#,
    ])
    #expect(exchange.answer.choices[0].toolCalls.map(\.id) == ["a", "b", "b2", "c"])
    #expect(exchange.answer.choices[0].toolCalls.map(\.arguments) == ["", "", "", "3"])
  }

  @Test("a call is told from the deprecated one call, whatever its index", arguments: [-1, 0, Int64.min, Int64.max])
  func functionCall(index: Int64) {
    let exchange = Sample.chat([
      #"{"function_call":{"name":"old","arguments":"1"}}"#,
      #"{"tool_calls":[{"index":\#(index),"id":"a","function":{"name":"new","arguments":"2"}}]}"#,
      #"{"function_call":{"arguments":"3"},"tool_calls":[{"index":\#(index),"function":{"arguments":"4"}}]}"#,
    ])
    #expect(
      exchange.answer.choices[0].toolCalls == [
        ToolCall(id: "a", name: "new", arguments: "24"), ToolCall(id: nil, name: "old", arguments: "13"),
      ])
  }

  @Test("the calls of an answer at once are whole, whatever index they give")
  func wholeCalls() {
    let body =
      #"{"choices":[{"message":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"1"}},"#
      + #"{"index":0,"function":{"name":"g","arguments":"2"}}]}}]}"#
    let calls = Sample.read(.chatCompletions, body).answer.choices[0].toolCalls
    #expect(calls.map(\.name) == ["f", "g"] && calls.map(\.arguments) == ["1", "2"])
  }

  @Test("calls and choices interleave")
  func interleaved() {
    let records = [
      #"{"choices":[{"index":1,"delta":{"content":"x"}},{"index":0,"delta":{"tool_calls":[{"index":1,"id":"b"},{"index":0,"id":"a"}]}}]}"#,
      #"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"1"}}]}}]}"#,
      #"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"name":"g","arguments":"2"}}]},"finish_reason":"tool_calls"}]}"#,
      #"{"choices":[{"index":1,"delta":{"content":"y"},"finish_reason":"stop"}]}"#,
    ]
    let answer = Sample.read(.chatCompletions, Sample.events(records), contentType: "text/event-stream").answer
    #expect(answer.choices.map(\.index) == [0, 1])
    #expect(answer.choices[0].toolCalls.map(\.id) == ["a", "b"])
    #expect(answer.choices[0].toolCalls.map(\.arguments) == ["1", "2"])
    #expect(answer.choices[1].text == "xy")
    #expect(answer.finishReasons == ["tool_calls", "stop"])
  }

  @Test("what follows the end marker is ignored")
  func afterDone() {
    let records = [
      #"{"choices":[{"index":0,"delta":{"content":"a"}}]}"#, "[DONE]",
      #"{"choices":[{"index":0,"delta":{"content":"b"}}]}"#,
    ]
    let exchange = Sample.read(.chatCompletions, Sample.events(records), contentType: "text/event-stream")
    #expect(exchange.answer.choices[0].text == "a")
    #expect(exchange.delivery.events?.records == 3 && exchange.delivery.events?.answers == 1)
  }

  @Test("an error inside a stream is recorded, and what follows as well")
  func errorRecord() {
    let records = [
      #"{"error":{"message":"m","code":"overloaded"}}"#, #"{"choices":[{"index":0,"delta":{"content":"b"}}]}"#,
    ]
    let exchange = Sample.read(.chatCompletions, Sample.events(records), contentType: "text/event-stream")
    #expect(exchange.answer.error?.identifier == "overloaded")
    #expect(exchange.answer.choices[0].text == "b")
    #expect(exchange.delivery.answerEnd == .error)
  }

  @Test(
    "token ids of vLLM's relatives",
    arguments: [
      #"{"choices":[{"message":{"content":"a"}}],"prompt_token_ids":[1],"response_token_ids":[[2,3]]}"#,
      #"{"choices":[{"message":{"content":"a"},"provider_specific_fields":{"token_ids":[2,3]}}],"prompt_token_ids":[1]}"#,
      #"{"choices":[{"message":{"content":"a"},"token_ids":[2,3],"prompt_token_ids":[1]}]}"#,
    ])
  func tokenIDs(body: String) {
    let answer = Sample.read(.chatCompletions, body).answer
    #expect(answer.promptTokenIDs == [1])
    #expect(answer.choices[0].tokenIDs == [2, 3])
  }

  @Test("log probabilities of completions have the form of chat completions")
  func completionLogprobs() {
    let body = #"{"choices":[{"text":"ab","logprobs":{"tokens":["a","b"],"token_logprobs":[null,-0.5]}}]}"#
    let choice = Sample.read(.completions, body).answer.choices[0]
    #expect(choice.logprobs == #"{"token":"a","logprob":null},{"token":"b","logprob":-0.5}"#)
  }

  @Test("line ends, comments, a byte order mark and several data lines", arguments: ["\n", "\r", "\r\n"])
  func eventStream(lineEnd: String) {
    let text = [
      "\u{FEFF}: hi", "data:{\"choices\":[{\"index\":0,", "id: 3", "data: \"delta\":{\"content\":\"ä\"}}]}", "",
      "event: x", "", "retry: 1", ": ping", "", "data: [DONE]", "", "",
    ]
    .joined(separator: lineEnd)
    let bytes = Array(text.utf8)
    for size in 1...7 {
      let reader = ExchangeReader(api: .chatCompletions, path: "/", requestBody: [], options: RecordingOptions())
      reader.begin(status: 200, contentType: "Text/Event-Stream; charset=utf-8", contentEncoding: nil)
      for start in stride(from: 0, to: bytes.count, by: size) {
        reader.receive(Array(bytes[start..<min(start + size, bytes.count)]).span)
      }
      let exchange = reader.finish(.complete)
      #expect(exchange.answer.choices.first?.text == "ä")
      #expect(exchange.delivery.events?.records == 2 && exchange.delivery.events?.isDone == true)
    }
  }

  @Test("a stream that ends inside a record was cut")
  func unfinished() {
    let stream = Sample.events([#"{"choices":[{"index":0,"delta":{"content":"a"}}]}"#]) + "data: {\"cho"
    let exchange = Sample.read(.chatCompletions, stream, contentType: "text/event-stream")
    #expect(exchange.delivery.answerEnd == .truncated)
    #expect(exchange.answer.choices[0].text == "a")
    let done = Sample.read(.chatCompletions, "data: [DONE]", contentType: "text/event-stream")
    #expect(done.delivery.answerEnd == .done)
  }
}
