import Configuration
import Testing

@Suite("Configurations that are refused")
struct ConfigurationErrorTests {
  @Test(
    "the error names the line of the file, the option and what is allowed",
    arguments: [
      (
        "limits:\n  stream: 5\n",
        "fulgurite.yaml:2: unknown option \"limits.stream\", did you mean \"limits.streams\"?"
      ),
      ("nonsense: 5\n", "fulgurite.yaml:1: unknown option \"nonsense\""),
      (
        "limits.streams: 5\n",
        "fulgurite.yaml:1: limits.streams: in a file each word before a dot is a section of its own, with the rest below it"
      ),
      (
        "auth.ingest:\n  tokens: []\n",
        "fulgurite.yaml:1: auth.ingest: in a file each word before a dot is a section of its own, with the rest below it"
      ),
      (
        "limits:\n  streams: many\n",
        "fulgurite.yaml:2: limits.streams: expected a whole number from 1 to 1000000, found \"many\""
      ),
      (
        "limits:\n  streams:\n",
        "fulgurite.yaml:2: limits.streams: expected a whole number from 1 to 1000000, found nothing"
      ),
      (
        "limits:\n  streams: [1]\n",
        "fulgurite.yaml:2: limits.streams: expected a whole number from 1 to 1000000, found a list"
      ),
      (
        "limits:\n  streams: {a: 1}\n",
        "fulgurite.yaml:2: limits.streams: expected a whole number from 1 to 1000000, found options"
      ),
      (
        "listen:\n  api: [[a]]\n",
        "fulgurite.yaml:2: listen.api: expected HOST:PORT such as localhost:4318, 0.0.0.0:4318 or [::1]:4318, a list of "
          + "them, or nothing for off, found a list of other things"
      ),
      ("limits: 5\n", "fulgurite.yaml:1: limits: expected options, one \"name: value\" a line"),
      ("- a\n", "fulgurite.yaml:1: expected options, one \"name: value\" a line"),
      ("a: [\n", "fulgurite.yaml:2: column 1: did not find expected node content while parsing a flow node"),
      ("loops: 1\nloops: 2\n", "fulgurite.yaml:2: column 1: the key \"loops\" is already on line 1"),
    ])
  func file(text: String, expected: String) throws {
    #expect(try problems(file: text) == [expected])
  }

  @Test(
    "the error names the environment variable",
    arguments: [
      (
        "FULGURITE_LIMIT_STREAMS", "5",
        "environment variable FULGURITE_LIMIT_STREAMS: unknown option, did you mean \"FULGURITE_LIMITS_STREAMS\"?"
      ),
      ("FULGURITE_XYZ", "5", "environment variable FULGURITE_XYZ: unknown option"),
      (
        "FULGURITE_STORE_DURABILITY", "disk",
        "environment variable FULGURITE_STORE_DURABILITY: store.durability: expected one of power, process, found \"disk\""
      ),
    ])
  func environment(name: String, value: String, expected: String) throws {
    #expect(try problems(environment: [name: value]) == [expected])
  }

  @Test(
    "the error names the flag",
    arguments: [
      (["--set", "limits.streems=5"], "--set: unknown option \"limits.streems\", did you mean \"limits.streams\"?"),
      (["--set", "xyz=5"], "--set: unknown option \"xyz\""),
      (["--set", "loops"], "--set: expected OPTION=VALUE, such as limits.streams=100"),
      (["--set", "loops=-1"], "--set: loops: expected a whole number from 0 to 1024, found \"-1\""),
      (["--log-level", "loud"], "--log-level: log.level: expected one of debug, info, warning, error, found \"loud\""),
    ])
  func flag(arguments: [String], expected: String) throws {
    #expect(try problems(arguments) == [expected])
  }

  @Test("a file that is not there is an error")
  func missingFile() throws {
    #expect(
      try problems(["--config", "/nonexistent"]) == ["/nonexistent: cannot be opened: No such file or directory"])
    #expect(try problems(["--config", "/"]) == ["/: cannot be read: Is a directory"])
    #expect(try problems(["--config", "/dev/zero"]) == ["/dev/zero: has more than 1048576 bytes"])
  }

  @Test("everything that is wrong is said at once")
  func together() throws {
    let found = try problems(
      ["--set", "x=1"], environment: ["FULGURITE_LOOPS": "x"], file: "a: 1\nlimits: {streams: 0, headers: 0}\n")
    #expect(found.count == 5)
  }

  @Test("the error prints one problem a line")
  func description() throws {
    let error = #expect(throws: ConfigurationError.self) { try load(["--set", "x=1", "--set", "loops=x"]) }
    #expect(
      error?.description == """
        --set: unknown option "x"
        --set: loops: expected a whole number from 0 to 1024, found "x"
        """)
  }

  @Test("a bad token is not repeated", arguments: ["hunter2", "sha256:hunter2"])
  func secret(token: String) throws {
    let expected =
      "--set: auth.api.tokens: expected sha256: and 64 hexadecimal digits, the hash of a token that is not empty, "
      + "found something else (not shown)"
    #expect(try problems(["--set", "auth.api.tokens=\(token)"]) == [expected])
    #expect(try problems(["--set", "auth.api.tokens=\(hash(""))"]) == [expected])
  }

  @Test("control characters of a value are not printed, endless values are cut")
  func hostileValues() throws {
    let found = try problems(["--set", "loops=\u{1B}[2J\n" + String(repeating: "x", count: 1000)])
    #expect(found.count == 1)
    #expect(found[0].contains(#"found "\u{1B}[2J\nxxx"#))
    #expect(found[0].unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
    #expect(found[0].hasSuffix("xxx...\"") && found[0].count < 200)
  }

  @Test("a token file without tokens, with other lines, or none at all is refused")
  func tokenFile() throws {
    let folder = try Folder()
    let empty = try folder.write("# none\n", as: "empty")
    let bad = try folder.write("\nhunter2\n", as: "bad")
    #expect(
      try problems(["--set", "auth.api.token_file=\(empty)"]) == ["--set: auth.api.token_file: \(empty) holds no token"]
    )
    #expect(
      try problems(["--set", "auth.api.token_file=\(bad)"]) == [
        "--set: auth.api.token_file: \(bad):2: expected sha256: and 64 hexadecimal digits (the value is not shown)"
      ])
    #expect(
      try problems(environment: ["FULGURITE_AUTH_INGEST_TOKEN_FILE": "/nonexistent"]) == [
        "environment variable FULGURITE_AUTH_INGEST_TOKEN_FILE: auth.ingest.token_file: "
          + "/nonexistent cannot be opened: No such file or directory"
      ])
  }

  @Test("without a home directory, paths in it are refused")
  func noHome() throws {
    #expect(
      try problems(environment: ["HOME": ""]) == [
        "data.directory: no home directory is known (HOME is not set); set data.directory"
      ])
    #expect(
      try problems(["--data", "/d", "--set", "auth.api.token_file=~/t"], environment: ["HOME": ""]) == [
        "--set: auth.api.token_file: no home directory is known (HOME is not set); write the whole path"
      ])
  }
}
