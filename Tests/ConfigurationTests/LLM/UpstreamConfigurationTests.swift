import Configuration
import Testing

@Suite("Upstreams")
struct UpstreamConfigurationTests {
  @Test(
    "the API and the provider are guessed from the host",
    arguments: [
      ("https://api.openai.com/v1", .openai, "openai"),
      ("https://api.anthropic.com", .anthropic, "anthropic"),
      ("https://API.Anthropic.com", .anthropic, "anthropic"),
      ("https://generativelanguage.googleapis.com", .gemini, "gcp.gemini"),
      ("https://mine.openai.azure.com", .openai, "azure.ai.openai"),
      ("https://api.deepseek.com", .openai, "deepseek"),
      ("https://api.groq.com/openai", .openai, "groq"),
      ("https://api.mistral.ai", .openai, "mistral_ai"),
      ("https://api.cohere.ai", .openai, "cohere"),
      ("https://api.cohere.com", .openai, "cohere"),
      ("https://api.perplexity.ai", .openai, "perplexity"),
      ("https://api.x.ai", .openai, "x_ai"),
      ("https://api.moonshot.cn", .openai, "moonshot_ai"),
      ("http://localhost:8000", .openai, "mine"),
      ("https://notanthropic.com", .openai, "mine"),
    ] as [(String, UpstreamAPI, String)])
  func guesses(url: String, api: UpstreamAPI, provider: String) throws {
    let upstream = try upstream("mine", ["base_url": url])
    #expect(upstream.api == api && upstream.provider == provider)
  }

  @Test("an unknown host is openai where the name says so and the API is that one, and what is set counts")
  func names() throws {
    #expect(try upstream("my-openai", ["base_url": "http://a"]).provider == "openai")
    #expect(try upstream("my-openai", ["base_url": "http://a", "api": "anthropic"]).provider == "my-openai")
    let set = try upstream("a", ["base_url": "https://api.openai.com", "api": "gemini", "provider": "vllm"])
    #expect(set.api == .gemini && set.provider == "vllm")
    let unset = try upstream("a", ["base_url": "https://api.openai.com", "api": "", "provider": "", "prefix": ""])
    #expect(unset.api == .openai && unset.provider == "openai" && unset.prefix == "/a")
  }

  @Test("the defaults")
  func defaults() throws {
    let upstream = try upstream("a", ["base_url": "http://a"])
    #expect(upstream.apiKey == nil && upstream.models.isEmpty && upstream.paths.isEmpty && upstream.prefix == "/a")
    #expect(!upstream.tokenIDs && !upstream.logProbabilities && !upstream.includesUsage)
    #expect(!upstream.propagatesTraceContext && upstream.record == .content && upstream.caFile.isEmpty)
    #expect(upstream.connectTimeout == .seconds(10) && upstream.retries == 0)
    #expect(upstream.firstByteTimeout == .seconds(600) && upstream.idleTimeout == .seconds(600))
  }

  @Test("every option is read from a file")
  func file() throws {
    let text = """
      llm:
        upstreams:
          vllm:
            base_url: http://localhost:8000/v1
            api: anthropic
            provider: vllm
            models: [gpt-4o=Qwen/Qwen3-8B, "Qwen/Qwen3-8B", "a=b=c"]
            prefix: /local
            token_ids: true
            logprobs: true
            include_usage: true
            propagate_trace_context: true
            record: metadata
            paths: [/v1/files, /v1/batches]
            connect_timeout: 1s
            ttfb_timeout: 2s
            idle_timeout: 3s
            retries: 10
      """
    let upstream = try #require(try load(file: text).values.llm.upstream(named: "vllm"))
    #expect(upstream.baseURL.description == "http://localhost:8000/v1" && upstream.api == .anthropic)
    #expect(upstream.models.map(\.alias) == ["gpt-4o", "Qwen/Qwen3-8B", "a"])
    #expect(upstream.models.map(\.model) == ["Qwen/Qwen3-8B", "Qwen/Qwen3-8B", "b=c"])
    #expect(
      upstream.provider == "vllm" && upstream.prefix == "/local" && upstream.paths == ["/v1/files", "/v1/batches"])
    #expect(upstream.tokenIDs && upstream.logProbabilities && upstream.includesUsage)
    #expect(upstream.propagatesTraceContext && upstream.record == .metadata)
    #expect(upstream.connectTimeout == .seconds(1) && upstream.firstByteTimeout == .seconds(2))
    #expect(upstream.idleTimeout == .seconds(3) && upstream.retries == 10)
  }

  @Test(
    "values that are not allowed",
    arguments: [
      ("api", "bedrock"), ("provider", "a b"), ("models", "a,,b"), ("models", "=a"), ("models", "a="),
      ("models", "a b"),
      ("prefix", "a"), ("prefix", "/"), ("prefix", "/a/b"), ("prefix", "/a/"), ("prefix", "/.."), ("prefix", "/a b"),
      ("paths", "v1"), ("paths", "/v1/../x"), ("paths", "/"), ("paths", "/a//b"), ("paths", "/a?b"), ("record", "all"),
      ("retries", "11"), ("retries", "-1"), ("connect_timeout", "0"), ("ttfb_timeout", "0"), ("idle_timeout", "0"),
      ("token_ids", "yes"), ("base_url", "api.openai.com"),
    ])
  func refused(option: String, value: String) throws {
    let path = "llm.upstreams.a.\(option)"
    let found = try problems(["--set", "llm.upstreams.a.base_url=http://a", "--set", "\(path)=\(value)"])
    #expect(found.count == 1 && found[0].hasPrefix("--set: \(path): expected "))
  }

  @Test("an upstream without an address is refused, where it is named")
  func missingURL() throws {
    #expect(
      try problems(file: "llm:\n  upstreams:\n    a:\n      retries: 1\n") == [
        "fulgurite.yaml:4: llm.upstreams.a.base_url: is needed: the address of the upstream, such as "
          + "https://api.openai.com"
      ])
    #expect(try problems(["--set", "llm.upstreams.a.base_url="]).count == 1)
  }

  @Test("two upstreams do not share a prefix, and none takes paths of the proxy")
  func prefixes() throws {
    let urls = ["a", "b", "v1"].map { "llm.upstreams.\($0).base_url=http://\($0)" }
    let settings = urls + ["llm.upstreams.b.prefix=/a"]
    #expect(
      try problems(settings.flatMap { ["--set", $0] }) == [
        "--set: llm.upstreams.b.prefix: /a is already taken by a",
        "--set: llm.upstreams.v1.prefix: /v1 begins other paths of the proxy; set another prefix",
      ])
  }

  @Test("a model stands once in an upstream, but may be had from several")
  func models() throws {
    let urls = ["a", "b"].flatMap { ["--set", "llm.upstreams.\($0).base_url=http://\($0)"] }
    #expect(
      try problems(urls + ["--set", "llm.upstreams.a.models=m=x,m=y"]) == [
        "--set: llm.upstreams.a.models: \"m\" is there twice"
      ])
    #expect(try problems(urls + ["--set", "llm.upstreams.a.models=m", "--set", "llm.upstreams.b.models=m"]) == [])
  }

  @Test("a file of certificate authorities is looked for")
  func authorities() throws {
    let folder = try Folder()
    let file = try folder.write("-----BEGIN CERTIFICATE-----\n", as: "ca.pem")
    #expect(try upstream("a", ["base_url": "https://a", "ca_file": file]).caFile == file)
    let arguments = ["--set", "llm.upstreams.a.base_url=https://a", "--set", "llm.upstreams.a.ca_file=/nonexistent"]
    #expect(
      try problems(arguments) == [
        "--set: llm.upstreams.a.ca_file: /nonexistent cannot be opened: No such file or directory"
      ])
  }

  private func upstream(_ name: String, _ options: [String: String]) throws -> UpstreamConfiguration {
    let arguments = options.flatMap { ["--set", "llm.upstreams.\(name).\($0.key)=\($0.value)"] }
    return try #require(try load(arguments).values.llm.upstream(named: name))
  }
}
