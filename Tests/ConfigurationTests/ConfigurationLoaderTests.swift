import Configuration
import Credentials
import Logging
import Testing

@Suite("Loading a configuration")
struct ConfigurationLoaderTests {
  @Test("nothing set means the defaults, with the data in the home directory")
  func defaults() throws {
    var expected = FulguriteConfiguration()
    expected.data.directory = "/home/ada/.local/share/fulgurite"
    let loaded = try load()
    #expect(loaded.values == expected)
    #expect(loaded.sources.isEmpty)
    #expect(loaded.source(of: "loops") == .default)
    #expect(loaded.values.warnings.isEmpty)
  }

  @Test("the file, the environment and the command line override each other in this order")
  func precedence() throws {
    let file = "limits:\n  streams: 1\n  headers: 1\n  connections: 1\n"
    let environment = ["FULGURITE_LIMITS_STREAMS": "2", "FULGURITE_LIMITS_HEADERS": "2"]
    let loaded = try load(
      ["--set", "limits.streams=3", "--set=limits.streams=4"], environment: environment, file: file)
    #expect(loaded.values.limits.streams == 4)
    #expect(loaded.values.limits.headers == 2)
    #expect(loaded.values.limits.connections == 1)
    #expect(loaded.source(of: "limits.streams") == .flag("--set"))
    #expect(loaded.source(of: "limits.headers") == .environment("FULGURITE_LIMITS_HEADERS"))
    guard case .file(_, line: 4) = loaded.source(of: "limits.connections") else {
      Issue.record("the source of limits.connections is \(loaded.source(of: "limits.connections"))")
      return
    }
  }

  @Test("every option of the table is read from a file")
  func file() throws {
    let text = """
      data: {directory: /var/lib/fulgurite}
      listen:
        otlp_http: [127.0.0.1:1, "[::1]:1"]
        otlp_grpc: ""
        api: []
        insecure: true
      loops: 3
      limits:
        request_bytes: 10MB
        in_flight_bytes: 20MiB
        queue_bytes: 10000000
        connections: 7
        streams: 8
        header_bytes: 9KiB
        headers: 10
        header_timeout: 11
        body_timeout: 250ms
        idle_timeout: 2m
        attribute_depth: 12
      store:
        durability: process
        readers: 4
        busy_timeout: 0
        checkpoint_bytes: 1MiB
        discard: true
      auth:
        ingest: {tokens: ["\(hash("a"))", "\(hash("b"))"], token_file: ""}
        api: {tokens: "\(hash("c"))"}
      query: {default_limit: 5, maximum_limit: 6, deadline: 1h}
      log: {level: debug, format: json}
      shutdown: {deadline: 1d}
      agl: {watchdog_debounce: 3s}
      """
    let values = try load(file: text).values
    #expect(values.data.directory == "/var/lib/fulgurite")
    #expect(values.listen.otlpHTTP.map(\.description) == ["127.0.0.1:1", "[::1]:1"])
    #expect(values.listen.otlpGRPC.isEmpty && values.listen.api.isEmpty && values.listen.insecure)
    #expect(values.loops == 3)
    #expect(values.limits.requestBytes == 10_000_000)
    #expect(values.limits.inFlightBytes == 20 << 20)
    #expect(values.limits.queueBytes == 10_000_000)
    #expect(values.limits.connections == 7)
    #expect(values.limits.streams == 8)
    #expect(values.limits.headerBytes == 9216)
    #expect(values.limits.headers == 10)
    #expect(values.limits.headerTimeout == .seconds(11))
    #expect(values.limits.bodyTimeout == .milliseconds(250))
    #expect(values.limits.idleTimeout == .seconds(120))
    #expect(values.limits.attributeDepth == 12)
    #expect(values.store.durability == .process)
    #expect(values.store.readers == 4)
    #expect(values.store.busyTimeout == .zero)
    #expect(values.store.checkpointBytes == 1 << 20)
    #expect(values.store.discard)
    #expect(
      values.auth.tokens(of: .ingest).accepts(bearer: "a") && values.auth.tokens(of: .ingest).accepts(bearer: "b"))
    #expect(values.auth.tokens(of: .api).accepts(bearer: "c") && !values.auth.tokens(of: .api).accepts(bearer: "a"))
    #expect(values.query.defaultLimit == 5 && values.query.maximumLimit == 6 && values.query.deadline == .seconds(3600))
    #expect(values.log.level == .debug && values.log.format == .json)
    #expect(values.shutdown.deadline == .seconds(86_400))
    #expect(values.agl.watchdogDebounce == .seconds(3))
  }

  @Test("lists are texts with commas in the environment, an empty one is off")
  func lists() throws {
    let environment = [
      "FULGURITE_LISTEN_OTLP_HTTP": "127.0.0.1:1, [::1]:1", "FULGURITE_LISTEN_API": "",
      "FULGURITE_AUTH_INGEST_TOKENS": "\(hash("a")),\(hash("b"))",
    ]
    let values = try load(environment: environment).values
    #expect(values.listen.otlpHTTP.map(\.description) == ["127.0.0.1:1", "[::1]:1"])
    #expect(values.listen.api.isEmpty)
    #expect(values.auth.ingest.all.count == 2)
  }

  @Test("flags of their own set their options")
  func flags() throws {
    let loaded = try load(["--insecure-listen", "--data", "/data", "--log-level=error"])
    #expect(
      loaded.values.listen.insecure && loaded.values.data.directory == "/data" && loaded.values.log.level == .error)
    #expect(loaded.source(of: "listen.insecure") == .flag("--insecure-listen"))
  }

  @Test("the environment names the file, unless a flag does")
  func fileVariable() throws {
    let folder = try Folder()
    let path = try folder.write("loops: 5\n", as: "other.yaml")
    #expect(try load(environment: ["FULGURITE_CONFIG": path]).values.loops == 5)
    #expect(try load(environment: ["FULGURITE_CONFIG": path], file: "loops: 6\n").values.loops == 6)
    #expect(try load(environment: ["FULGURITE_CONFIG": ""]).values.loops == 0)
  }

  @Test("variables of other programs are left alone")
  func foreignVariables() throws {
    #expect(try load(environment: ["OTEL_LISTEN": "x", "fulgurite_loops": "x", "FULGURITE": "x"]).sources.isEmpty)
  }

  @Test("empty files and sections set nothing", arguments: ["", "# nothing\n", "limits:\nstore: {}\n"])
  func empty(file: String) throws {
    #expect(try load(file: file).sources.isEmpty)
  }

  @Test(
    "the data folder follows the XDG rules",
    arguments: [
      ([:], "", "/home/ada/.local/share/fulgurite"),
      (["XDG_DATA_HOME": "/xdg"], "", "/xdg/fulgurite"),
      (["XDG_DATA_HOME": "relative"], "", "/home/ada/.local/share/fulgurite"),
      (["XDG_DATA_HOME": "/xdg"], "/data", "/data"),
      ([:], "~/data", "/home/ada/data"),
      ([:], "relative", "relative"),
    ] as [([String: String], String, String)])
  func dataDirectory(environment: [String: String], configured: String, expected: String) throws {
    let loaded = try load(["--data", configured], environment: environment)
    #expect(loaded.values.data.directory == expected)
  }

  @Test("token files add to the tokens")
  func tokenFile() throws {
    let folder = try Folder()
    let path = try folder.write("# laptops\n\(hash("b"))\n", as: "tokens")
    let arguments = ["--set", "auth.ingest.token_file=\(path)", "--set", "auth.ingest.tokens=\(hash("a"))"]
    let tokens = try load(arguments).values.auth.tokens(of: .ingest)
    #expect(tokens.count == 2)
    #expect(tokens.accepts(bearer: "a") && tokens.accepts(bearer: "b"))
  }
}

func hash(_ token: String) -> String { TokenHash(hashing: token).text }
