import Configuration
import Testing

@Suite("Options that depend on each other")
struct ValidationTests {
  @Test("limits fit into each other")
  func limits() throws {
    #expect(
      try problems(["--set", "limits.request_bytes=512MiB"]) == [
        "limits.in_flight_bytes: 268435456 is less than limits.request_bytes, which is 536870912",
        "limits.queue_bytes: 67108864 is less than limits.request_bytes, which is 536870912",
      ])
    #expect(
      try problems(["--set", "query.maximum_limit=10"]) == [
        "--set: query.maximum_limit: 10 is less than query.default_limit, which is 1000"
      ])
  }

  @Test(
    "two listeners do not share a port",
    arguments: [
      (
        "listen.otlp_http=localhost:4317",
        "--set: listen.otlp_grpc: localhost:4317 is already taken by listen.otlp_http"
      ),
      ("listen.otlp_grpc=[::1]:4318", "--set: listen.otlp_grpc: [::1]:4318 is already taken by listen.otlp_http"),
      ("listen.api=127.0.0.1:1,127.0.0.1:1", "--set: listen.api: 127.0.0.1:1 is already taken by listen.api"),
    ])
  func collision(setting: String, expected: String) throws {
    let found = try problems(["--set", setting])
    #expect(found == [expected.replacing("--set: listen.otlp_grpc: localhost", with: "listen.otlp_grpc: localhost")])
  }

  @Test("port 0 is never taken, other addresses have ports of their own")
  func freePorts() throws {
    let arguments = [
      "listen.otlp_http=localhost:0", "listen.otlp_grpc=localhost:0", "listen.api=127.0.0.2:1,127.0.0.3:1",
    ]
    #expect(try problems(arguments.flatMap { ["--set", $0] }) == [])
  }

  @Test("a listener for other machines needs the tokens of all that it serves")
  func openListeners() throws {
    #expect(
      try problems(["--set", "listen.otlp_http=0.0.0.0:4318"]) == [
        "--set: listen.otlp_http: 0.0.0.0:4318 can be reached by other machines, but auth.ingest has no tokens; add "
          + "auth.ingest.tokens, listen on localhost, or let anyone in with listen.insecure (--insecure-listen)"
      ])
    #expect(
      try problems(["--set", "listen.api=[::]:4747"]) == [
        "--set: listen.api: [::]:4747 can be reached by other machines, but auth.ingest and auth.api have no tokens; add "
          + "auth.ingest.tokens and auth.api.tokens, listen on localhost, or let anyone in with listen.insecure "
          + "(--insecure-listen)"
      ])
    #expect(
      try problems(["--set", "listen.api=10.0.0.1:4747", "--set", "auth.ingest.tokens=\(hash("a"))"]) == [
        "--set: listen.api: 10.0.0.1:4747 can be reached by other machines, but auth.api has no tokens; add "
          + "auth.api.tokens, listen on localhost, or let anyone in with listen.insecure (--insecure-listen)"
      ])
  }

  @Test("with tokens or the consent of the user, other machines come in")
  func openedListeners() throws {
    let tokens = ["--set", "auth.ingest.tokens=\(hash("a"))", "--set", "auth.api.tokens=\(hash("b"))"]
    let addresses = ["--set", "listen.otlp_grpc=0.0.0.0:4317", "--set", "listen.api=0.0.0.0:4747"]
    #expect(try load(addresses + tokens).values.warnings.isEmpty)
    #expect(
      try load(addresses + ["--insecure-listen"]).values.warnings == [
        "listen.otlp_grpc: 0.0.0.0:4317 lets anyone who reaches it use ingest without a token",
        "listen.api: 0.0.0.0:4747 lets anyone who reaches it use ingest and api without a token",
      ])
  }

  @Test("throwing spans away is a warning")
  func discard() throws {
    #expect(
      try load(["--set", "store.discard=true"]).values.warnings == [
        "store.discard: every span is thrown away after it was acknowledged"
      ])
  }
}
