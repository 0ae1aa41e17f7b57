import Testing

@testable import Configuration

@Suite("Options of entries that the user names")
struct NamedSectionTests {
  @Test("the file, the environment and the command line override each other, option by option")
  func precedence() throws {
    let file = """
      llm:
        upstreams:
          openai: {base_url: http://a:1, retries: 1, token_ids: true}
      """
    let environment = [
      "FULGURITE_LLM_UPSTREAMS_OPENAI_BASE_URL": "http://b:2", "FULGURITE_LLM_UPSTREAMS_OPENAI_RETRIES": "2",
    ]
    let loaded = try load(
      ["--set", "llm.upstreams.openai.base_url=http://c:3"], environment: environment, file: file)
    let upstream = try #require(loaded.values.llm.upstream(named: "openai"))
    #expect(loaded.values.llm.upstreams.count == 1)
    #expect(upstream.baseURL.host == "c" && upstream.retries == 2 && upstream.tokenIDs)
    #expect(loaded.source(of: "llm.upstreams.openai.base_url") == .flag("--set"))
    #expect(
      loaded.source(of: "llm.upstreams.openai.retries") == .environment("FULGURITE_LLM_UPSTREAMS_OPENAI_RETRIES"))
    guard case .file(_, line: 3) = loaded.source(of: "llm.upstreams.openai.token_ids") else {
      Issue.record("the source is \(loaded.source(of: "llm.upstreams.openai.token_ids"))")
      return
    }
  }

  @Test("entries keep the order of the file, those of the environment and the command line follow")
  func order() throws {
    let file = "llm: {upstreams: {zeta: {base_url: http://z}, alpha: {base_url: http://a}, mid: {base_url: http://m}}}"
    let loaded = try load(
      ["--set", "llm.upstreams.beta.base_url=http://b"],
      environment: ["FULGURITE_LLM_UPSTREAMS_GAMMA_BASE_URL": "http://g"], file: file)
    #expect(loaded.values.llm.upstreams.map(\.name) == ["zeta", "alpha", "mid", "gamma", "beta"])
  }

  @Test(
    "a variable means the name that another source spells, else lower case with underscores",
    arguments: [
      ("llm: {upstreams: {my-llm: {base_url: http://a}}}", [], "my-llm"),
      ("llm: {upstreams: {my_llm: {base_url: http://a}}}", [], "my_llm"),
      ("", ["--set", "llm.upstreams.my-llm.base_url=http://a"], "my-llm"),
      ("", [], "my_llm"),
    ])
  func variables(file: String, arguments: [String], expected: String) throws {
    let environment = [
      "FULGURITE_LLM_UPSTREAMS_MY_LLM_RETRIES": "3", "FULGURITE_LLM_UPSTREAMS_MY_LLM_IDLE_TIMEOUT": "1s",
      "FULGURITE_LLM_UPSTREAMS_MY_LLM_BASE_URL": "http://b",
    ]
    let upstreams = try load(arguments, environment: environment, file: file).values.llm.upstreams
    #expect(upstreams.map(\.name) == [expected])
    #expect(upstreams[0].retries == 3 && upstreams[0].idleTimeout == .seconds(1))
  }

  @Test("the longest option at the end of a variable counts, also with options inside the name")
  func longestOption() throws {
    let environment = [
      "FULGURITE_LLM_UPSTREAMS_API_API": "gemini", "FULGURITE_LLM_UPSTREAMS_API_BASE_URL": "http://a",
      "FULGURITE_LLM_UPSTREAMS_BASE_URL_BASE_URL": "http://b",
    ]
    let upstreams = try load(environment: environment).values.llm.upstreams
    #expect(upstreams.map(\.name) == ["api", "base_url"])
    #expect(upstreams[0].api == .gemini)
  }

  @Test(
    "names",
    arguments: [
      ("openai", true), ("0", true), ("a-b_c", true), (String(repeating: "a", count: 63), true),
      (String(repeating: "a", count: 64), false), ("", false), ("-a", false), ("_a", false), ("A", false),
      ("a b", false), ("é", false), ("a/b", false), ("NAME", false),
    ])
  func names(text: String, isAllowed: Bool) {
    #expect(NamedSection.isName(text) == isAllowed)
  }

  @Test(
    "unknown options and bad names in a file are named with their lines",
    arguments: [
      (
        "llm:\n  upstreams:\n    openai:\n      base_ulr: x\n",
        "fulgurite.yaml:4: unknown option \"llm.upstreams.openai.base_ulr\", did you mean \"llm.upstreams.openai.base_url\"?"
      ),
      (
        "llm:\n  upstreams:\n    openai:\n      xyzzy: x\n",
        "fulgurite.yaml:4: unknown option \"llm.upstreams.openai.xyzzy\""
      ),
      (
        "llm:\n  upstream:\n    openai: {}\n",
        "fulgurite.yaml:2: unknown option \"llm.upstream\", did you mean \"llm.upstreams\"?"
      ),
      (
        "llm:\n  upstreams:\n    OpenAI:\n      base_url: http://a\n",
        "fulgurite.yaml:3: llm.upstreams: \"OpenAI\" cannot be a name; expected \(NamedSection.nameExpectation)"
      ),
      (
        "llm:\n  upstreams:\n    openai: http://a\n",
        "fulgurite.yaml:3: llm.upstreams.openai: expected options, one \"name: value\" a line"
      ),
      (
        "llm:\n  upstreams: [openai]\n",
        "fulgurite.yaml:2: llm.upstreams: expected options, one \"name: value\" a line"
      ),
      (
        "llm:\n  upstreams.openai:\n    base_url: http://a\n",
        "fulgurite.yaml:2: llm.upstreams.openai: in a file each word before a dot is a section of its own, with the rest "
          + "below it"
      ),
      (
        "llm:\n  upstreams:\n    openai.base_url: http://a\n",
        "fulgurite.yaml:3: llm.upstreams.openai.base_url: in a file each word before a dot is a section of its own, with "
          + "the rest below it"
      ),
      (
        "llm:\n  upstreams:\n    openai:\n      retries: 11\n",
        "fulgurite.yaml:4: llm.upstreams.openai.retries: expected a whole number from 0 to 10, found \"11\""
      ),
      (
        "llm:\n  upstreams:\n    openai: {}\n    openai: {}\n",
        "fulgurite.yaml:4: column 5: the key \"openai\" is already on line 3"
      ),
    ])
  func file(text: String, expected: String) throws {
    #expect(try problems(file: text) == [expected])
  }

  @Test(
    "unknown options and bad names of flags are named",
    arguments: [
      (
        "llm.upstreams.openai.base_ulr=x",
        "--set: unknown option \"llm.upstreams.openai.base_ulr\", did you mean \"llm.upstreams.openai.base_url\"?"
      ),
      (
        "llm.upstream.openai.base_url=x",
        "--set: unknown option \"llm.upstream.openai.base_url\", did you mean \"llm.upstreams.openai.base_url\"?"
      ),
      (
        "llm.upstreams.OpenAI.base_url=x",
        "--set: llm.upstreams: \"OpenAI\" cannot be a name; expected \(NamedSection.nameExpectation)"
      ),
      (
        "llm.upstreams..base_url=x",
        "--set: llm.upstreams: \"\" cannot be a name; expected \(NamedSection.nameExpectation)"
      ),
      ("llm.upstreams.openai=x", "--set: \"llm.upstreams.openai\" is no option, but holds options"),
      ("llm=x", "--set: \"llm\" is no option, but holds options"),
    ])
  func flag(setting: String, expected: String) throws {
    #expect(try problems(["--set", setting]) == [expected])
  }

  @Test(
    "unknown variables are named",
    arguments: [
      ("OPENAI_BASE_ULR", ", did you mean \"FULGURITE_LLM_UPSTREAMS_OPENAI_BASE_URL\"?"),
      ("MY_LLM_RETIRES", ", did you mean \"FULGURITE_LLM_UPSTREAMS_MY_LLM_RETRIES\"?"),
      ("OPENAI_XYZZY", ""),
      ("BASE_URL", ", did you mean \"FULGURITE_LLM_UPSTREAMS_NAME_BASE_URL\"?"),
      ("openai_BASE_URL", ", did you mean \"FULGURITE_LLM_UPSTREAMS_OPENAI_BASE_URL\"?"),
    ])
  func variable(name: String, expected: String) throws {
    let variable = "FULGURITE_LLM_UPSTREAMS_" + name
    let found = try problems(environment: [variable: "http://a"])
    #expect(found == ["environment variable \(variable): unknown option\(expected)"])
  }

  @Test("an entry whose options are all commented out is none", arguments: ["openai:", "openai: {}", "# openai:"])
  func empty(entry: String) throws {
    let loaded = try load(file: "llm:\n  upstreams:\n    \(entry)\n")
    #expect(loaded.sources.isEmpty && loaded.values.llm.upstreams.isEmpty)
  }

  @Test("names that variables cannot tell apart are refused")
  func namesakes() throws {
    let text = "llm:\n  upstreams:\n    a-b: {base_url: http://a}\n    a_b: {base_url: http://b}\n"
    #expect(
      try problems(file: text) == [
        "fulgurite.yaml:4: llm.upstreams.a_b: the environment variables of a-b have the same names; choose another name"
      ])
  }
}
