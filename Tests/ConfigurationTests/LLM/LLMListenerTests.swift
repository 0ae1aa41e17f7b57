import Configuration
import Credentials
import Testing

@Suite("Where the LLM proxy listens, and for whom")
struct LLMListenerTests {
  private let upstream = ["--set", "llm.upstreams.a.base_url=http://a"]

  @Test("the proxy listens on port 4000 once there is an upstream, and serves itself only")
  func listener() throws {
    let without = try #require(try load().values.listeners.last)
    #expect(without.option == "listen.llm_proxy" && without.addresses.isEmpty)
    let with = try #require(try load(upstream).values.listeners.last)
    #expect(with.addresses == [.localhost(4000)] && with.routeSets == [.llm])
    let moved = try load(upstream + ["--llm-proxy", "127.0.0.1:5"]).values.llmProxyAddresses
    #expect(moved.map(\.description) == ["127.0.0.1:5"])
    #expect(try load(upstream + ["--llm-proxy", ""]).values.llmProxyAddresses.isEmpty)
  }

  @Test("an address without an upstream is an error that says what to add")
  func lonely() throws {
    let message =
      "listen.llm_proxy: the proxy has no upstream; add one with --set llm.upstreams.NAME.base_url=URL, such as "
      + "llm.upstreams.openai.base_url=https://api.openai.com, or in the file"
    #expect(try problems(["--llm-proxy", "localhost:4000"]) == ["--llm-proxy: \(message)"])
    #expect(
      try problems(environment: ["FULGURITE_LISTEN_LLM_PROXY": "localhost:1"]) == [
        "environment variable FULGURITE_LISTEN_LLM_PROXY: \(message)"
      ])
    #expect(try problems(["--llm-proxy", ""]) == [])
  }

  @Test("it shares no port with others, but takes none without an upstream")
  func collision() throws {
    #expect(
      try problems(upstream + ["--api", "localhost:4000"]) == [
        "listen.llm_proxy: localhost:4000 is already taken by listen.api"
      ])
    #expect(try problems(["--api", "localhost:4000"]) == [])
  }

  @Test("a proxy that other machines reach needs client keys")
  func openListener() throws {
    let open = upstream + ["--llm-proxy", "0.0.0.0:4000"]
    #expect(
      try problems(open) == [
        "--llm-proxy: listen.llm_proxy: 0.0.0.0:4000 can be reached by other machines, but auth.llm has no tokens; add "
          + "auth.llm.tokens, listen on localhost, or let anyone in with listen.insecure (--insecure-listen)"
      ])
    #expect(try problems(open + ["--set", "auth.llm.tokens=\(hash("a"))"]) == [])
    #expect(try problems(open + ["--set", "auth.llm_admin.tokens=\(hash("a"))"]).count == 1)
    #expect(
      try load(open + ["--insecure-listen"]).values.warnings == [
        "listen.llm_proxy: 0.0.0.0:4000 lets anyone who reaches it use llm without a token"
      ])
  }

  @Test("keys from everywhere let clients and administrators in")
  func tokens() throws {
    let folder = try Folder()
    let file = try folder.write(hash("b"), as: "tokens")
    let sections = ["llm", "llm_admin"]
    let settings = sections.flatMap { ["auth.\($0).tokens=\(hash("a"))", "auth.\($0).token_file=\(file)"] }
    let auth = try load(settings.flatMap { ["--set", $0] }).values.auth
    for tokens in [auth.tokens(of: .llm), auth.llmAdmin.all] {
      #expect(tokens.count == 2 && tokens.accepts(bearer: "a") && tokens.accepts(bearer: "b"))
    }
    #expect(auth.tokens(of: .api).isEmpty && auth.hasTokenFiles)
    _ = try folder.write("\(hash("c"))\n\(hash("d"))", as: "tokens")
    let fresh = try auth.readingTokenFilesAgain()
    #expect(fresh.tokens(of: .llm).accepts(bearer: "d") && !fresh.llmAdmin.all.accepts(bearer: "b"))
  }

  @Test("a key that everybody knows is refused where other machines reach the proxy", arguments: ["llm", "llm_admin"])
  func knownKey(section: String) throws {
    let known = ["--set", "auth.\(section).tokens=\(hash("areal-admin-key"))"]
    let open = upstream + ["--llm-proxy", "0.0.0.0:4000", "--insecure-listen"]
    #expect(
      try problems(open + known) == [
        "--set: auth.\(section).tokens: everybody knows the key areal-admin-key, and other machines reach the proxy; make "
          + "one of your own"
      ])
    #expect(try problems(upstream + known) == [])
    #expect(try problems(known) == [])
  }

  @Test("nor does such a key come in with a file that is read again")
  func knownKeyLater() throws {
    let folder = try Folder()
    let file = try folder.write(hash("a"), as: "tokens")
    let arguments = ["--set", "auth.llm_admin.token_file=\(file)", "--set", "auth.llm.tokens=\(hash("b"))"]
    let exposed = try load(upstream + ["--llm-proxy", "0.0.0.0:4000"] + arguments).values.auth
    let local = try load(upstream + arguments).values.auth
    _ = try folder.write(hash("areal-admin-key"), as: "tokens")
    let error = #expect(throws: ConfigurationError.self) { try exposed.readingTokenFilesAgain() }
    #expect(error?.description.hasPrefix("auth.llm_admin.token_file: everybody knows the key") == true)
    #expect(try local.readingTokenFilesAgain().llmAdmin.all.count == 1)
  }
}
