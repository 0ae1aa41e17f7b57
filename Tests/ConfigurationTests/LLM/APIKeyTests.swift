import Arguments
import Configuration
import Credentials
import Foundation
import Testing

@Suite("Keys of upstreams")
struct APIKeyTests {
  private let address = ["--set", "llm.upstreams.openai.base_url=https://api.openai.com"]

  @Test("a key comes from the variable that is named")
  func variable() throws {
    let loaded = try load(
      address + ["--set", "llm.upstreams.openai.api_key_env=OPENAI_API_KEY"],
      environment: ["OPENAI_API_KEY": "sk-hidden\n"])
    #expect(loaded.values.llm.upstreams[0].apiKey?.revealed == "sk-hidden")
  }

  @Test(
    "a variable without a key is an error",
    arguments: [
      ([:], "is not set or empty"), (["K": ""], "is not set or empty"),
      (["K": "sk hidden"], "holds no key: expected one line of visible ASCII characters (the content is not shown)"),
    ])
  func badVariable(environment: [String: String], expected: String) throws {
    #expect(
      try problems(address + ["--set", "llm.upstreams.openai.api_key_env=K"], environment: environment) == [
        "--set: llm.upstreams.openai.api_key_env: the environment variable K \(expected)"
      ])
  }

  @Test("a key comes from a file that its owner alone reads", arguments: [0o600, 0o400, 0o700])
  func file(mode: Int) throws {
    let folder = try Folder()
    let file = try folder.write("sk-hidden\n", as: "key", mode: mode)
    let loaded = try load(address + ["--set", "llm.upstreams.openai.api_key_file=\(file)"])
    #expect(loaded.values.llm.upstreams[0].apiKey?.revealed == "sk-hidden")
  }

  @Test("a file that others can use is refused", arguments: [0o644, 0o640, 0o604, 0o660, 0o620, 0o602])
  func sharedFile(mode: Int) throws {
    let folder = try Folder()
    let file = try folder.write("sk-hidden\n", as: "key", mode: mode)
    #expect(
      try problems(address + ["--set", "llm.upstreams.openai.api_key_file=\(file)"]) == [
        "--set: llm.upstreams.openai.api_key_file: \(file) is open to other users (mode \(String(mode, radix: 8))); make "
          + "it private with chmod 600, or pass a systemd credential"
      ])
  }

  @Test("a systemd credential may have any mode, what lies outside its folder may not")
  func credential() throws {
    let folder = try Folder()
    let file = try folder.write("sk-hidden\n", as: "key", mode: 0o440)
    let arguments = address + ["--set", "llm.upstreams.openai.api_key_file=\(file)"]
    let credentials = ["CREDENTIALS_DIRECTORY": folder.url.path]
    #expect(try load(arguments, environment: credentials).values.llm.upstreams[0].apiKey?.revealed == "sk-hidden")
    #expect(try problems(arguments, environment: ["CREDENTIALS_DIRECTORY": folder.url.path + "/sub"]).count == 1)
    #expect(try problems(arguments, environment: ["CREDENTIALS_DIRECTORY": ""]).count == 1)
    #expect(
      try problems(arguments, environment: ["CREDENTIALS_DIRECTORY": String(folder.url.path.dropLast())]).count == 1)
    let around = "\(folder.url.path)/../\(folder.url.lastPathComponent)/key"
    #expect(
      try problems(
        address + ["--set", "llm.upstreams.openai.api_key_file=\(around)"], environment: credentials
      ).count == 1)
  }

  @Test("a file without a key is an error that does not show the file")
  func badFile() throws {
    let folder = try Folder()
    for text in ["", "\n", "sk hidden\n", "sk-hidden\nsk-hidden\n"] {
      let file = try folder.write(text, as: "key", mode: 0o600)
      let found = try problems(address + ["--set", "llm.upstreams.openai.api_key_file=\(file)"])
      #expect(
        found == [
          "--set: llm.upstreams.openai.api_key_file: \(file) holds no key: expected one line of visible ASCII characters "
            + "(the content is not shown)"
        ])
    }
    #expect(
      try problems(address + ["--set", "llm.upstreams.openai.api_key_file=/nonexistent"]) == [
        "--set: llm.upstreams.openai.api_key_file: /nonexistent cannot be opened: No such file or directory"
      ])
  }

  @Test("one place of a key is enough")
  func both() throws {
    let settings = ["api_key_env=K", "api_key_file=/k"].flatMap { ["--set", "llm.upstreams.openai.\($0)"] }
    #expect(
      try problems(address + settings, environment: ["K": "sk-hidden"]) == [
        "--set: llm.upstreams.openai.api_key_file: there is api_key_env as well; set one of them only"
      ])
  }

  @Test("a key among the settings is refused and not repeated, wherever it stands")
  func literal() throws {
    let expected =
      "llm.upstreams.openai.api_key: keys are not settings, which people see in files and lists of processes; name the "
      + "environment variable that holds the key with api_key_env, or the file with api_key_file"
    #expect(try problems(["--set", "llm.upstreams.openai.api_key=sk-hidden"]) == ["--set: \(expected)"])
    #expect(
      try problems(file: "llm:\n  upstreams:\n    openai:\n      api_key: sk-hidden\n") == [
        "fulgurite.yaml:4: \(expected)"
      ])
    let variable = "FULGURITE_LLM_UPSTREAMS_OPENAI_API_KEY"
    #expect(
      try problems(environment: [variable: "sk-hidden"]) == ["environment variable \(variable): \(expected)"])
  }

  @Test(
    "a key in the place of its variable or file is refused and not repeated",
    arguments: ["api_key_env", "api_key_file"], ["sk-hidden", "AIzahidden", "hidden"])
  func misplaced(option: String, key: String) throws {
    let found = try problems(address + ["--set", "llm.upstreams.openai.\(option)=\(key)"])
    #expect(found.count == 1 && !found[0].contains(key) && found[0].hasSuffix("found something else (not shown)"))
  }

  @Test("a variable of the program's own cannot hold a key, since it would be an unknown option")
  func ownVariable() throws {
    #expect(try problems(address + ["--set", "llm.upstreams.openai.api_key_env=FULGURITE_KEY"]).count == 1)
  }

  @Test("a configuration that holds a key does not show it")
  func hidden() throws {
    let loaded = try load(
      address + ["--set", "llm.upstreams.openai.api_key_env=K"], environment: ["K": "sk-hidden"])
    var dumped = ""
    dump(loaded, to: &dumped)
    for text in ["\(loaded)", String(reflecting: loaded.values), "\(loaded.values.llm.upstreams)", dumped] {
      #expect(text.contains("api.openai.com") && !text.contains("sk-hidden"))
    }
    for option in FulguriteConfiguration.documentedOptions {
      let named = try #require(FulguriteConfiguration.option(at: option.path.replacing("NAME", with: "openai")))
      #expect(!named.shownValue(in: loaded.values).contains("sk-hidden"))
    }
  }

  @Test("who only reads the data needs no keys")
  func reading() throws {
    let command = Command("fulgurite", "x", flags: ConfigurationLoader.flags)
    guard case .run(let parsed) = try command.parse(address + ["--set", "llm.upstreams.openai.api_key_env=K"]) else {
      throw CocoaError(.featureUnsupported)
    }
    let loaded = try ConfigurationLoader.load(arguments: parsed, environment: homeEnvironment, scope: .reading)
    #expect(loaded.values.llm.upstreams[0].apiKey == nil)
  }

  @Test("a key that leaves the machine without TLS is a warning")
  func withoutTLS() throws {
    let environment = ["K": "sk-hidden"]
    let key = ["--set", "llm.upstreams.a.api_key_env=K"]
    let warnings = try ["http://a:1", "https://a:1", "http://localhost:1"].map { url in
      try load(["--set", "llm.upstreams.a.base_url=\(url)"] + key, environment: environment).values.warnings
    }
    #expect(warnings == [["llm.upstreams.a: its API key goes to a:1 without TLS"], [], []])
    #expect(try load(["--set", "llm.upstreams.a.base_url=http://a:1"]).values.warnings.isEmpty)
  }
}
