import Configuration
import Testing

@Suite("The LLM proxy")
struct LLMConfigurationTests {
  @Test("every option is read from a file")
  func file() throws {
    let text = """
      llm:
        span_profile: agl
        default_upstream: a
        trust_trace_context: never
        session_header: [X-Chat, x-session-id]
        drain_on_disconnect: 1s
        max_stream_duration: 2s
        request_bytes: 1MiB
        recorded_answer_bytes: 2MiB
        record_bytes: 3MiB
        recording_bytes: 4MiB
        requests: 5
        requests_per_key: 6
        redact:
          pointers: [/user, /a~1b/0]
          patterns: ["sk-[a-z]{1,3}", "a,b"]
        allow_no_record: true
        keys_in_paths: true
        session_key_ttl: 7s
        session_idle: 8s
        sessions: 9
        upstreams: {a: {base_url: http://a}}
      """
    let llm = try load(file: text).values.llm
    #expect(llm.spanProfile == .agl && llm.defaultUpstream == "a" && llm.trustTraceContext == .never)
    #expect(llm.sessionHeaders == ["x-chat", "x-session-id"])
    #expect(llm.drainOnDisconnect == .seconds(1) && llm.maximumStreamDuration == .seconds(2))
    #expect(llm.requestBytes == 1 << 20 && llm.recordedAnswerBytes == 2 << 20)
    #expect(llm.recordBytes == 3 << 20 && llm.recordingBytes == 4 << 20)
    #expect(llm.requests == 5 && llm.requestsPerKey == 6)
    #expect(llm.redact.pointers == ["/user", "/a~1b/0"] && llm.redact.patterns == ["sk-[a-z]{1,3}", "a,b"])
    #expect(llm.allowsNoRecord && llm.allowsKeysInPaths)
    #expect(llm.sessionKeyLifetime == .seconds(7) && llm.sessionIdle == .seconds(8) && llm.sessions == 9)
  }

  @Test("a pattern outside a file is one, with its commas")
  func pattern() throws {
    let pattern = "sk-[a-z]{1,3}"
    #expect(try load(["--set", "llm.redact.patterns=\(pattern)"]).values.llm.redact.patterns == [pattern])
    let environment = ["FULGURITE_LLM_REDACT_PATTERNS": pattern]
    #expect(try load(environment: environment).values.llm.redact.patterns == [pattern])
    #expect(try load(["--set", "llm.redact.patterns="]).values.llm.redact.patterns == [])
  }

  @Test(
    "values that are not allowed",
    arguments: [
      "span_profile=otel", "default_upstream=A B", "trust_trace_context=sometimes", "session_header=a b",
      "session_header=Authorization", "session_header=x-ok,cookie", "session_header=x-api-key", "max_stream_duration=0",
      "redact.pointers=a", "redact.pointers=/a~2", "redact.pointers=/a~", "requests=0", "requests_per_key=-1",
      "session_key_ttl=0", "sessions=0", "request_bytes=1TiB",
    ])
  func refused(setting: String) throws {
    let found = try problems(["--set", "llm.\(setting)"])
    let option = try #require(setting.split(separator: "=").first)
    #expect(found.count == 1 && found[0].hasPrefix("--set: llm.\(option): expected "))
  }

  @Test("the recording of one answer fits into the memory of all")
  func memory() throws {
    #expect(
      try problems(["--set", "llm.recording_bytes=1MiB"]) == [
        "--set: llm.recording_bytes: 1048576 is less than llm.recorded_answer_bytes, which is 8388608"
      ])
  }

  @Test("the default upstream is one of the upstreams")
  func unknownDefault() throws {
    let upstream = ["--set", "llm.upstreams.openai.base_url=https://api.openai.com"]
    #expect(
      try problems(upstream + ["--set", "llm.default_upstream=opnai"]) == [
        "--set: llm.default_upstream: there is no upstream \"opnai\", did you mean \"openai\"?"
      ])
    #expect(try problems(["--set", "llm.default_upstream=a"]).count == 1)
  }
}
