package import Arguments

/// Reads the configuration: the defaults, then the file, the environment and the command line, each over the one before.
///
/// Nothing that is wrong is passed over: unknown options and bad values of every source are collected, and refused
/// together.
package struct ConfigurationLoader {
  private var loaded = LoadedConfiguration()
  private var problems: [ConfigurationProblem] = []
  private let environment: [String: String]

  /// Loads and checks a configuration.
  ///
  /// - Parameters:
  ///   - arguments: The flags of ``flags`` are taken, others belong to the program.
  ///   - environment: All variables of the process; those that start with `FULGURITE_` are taken.
  /// - Throws: All problems at once.
  package static func load(arguments: ParsedArguments, environment: [String: String]) throws(ConfigurationError)
    -> LoadedConfiguration
  {
    var loader = ConfigurationLoader(environment: environment)
    let variable = environment[fileVariable].flatMap { $0.isEmpty ? nil : $0 }
    if let file = arguments.value(of: fileFlag.name) ?? variable { loader.readFile(file) }
    loader.readEnvironment()
    loader.readArguments(arguments)
    // What depends on several options is only checked when each of them is right.
    if loader.problems.isEmpty { loader.resolve() }
    if loader.problems.isEmpty { loader.problems = loader.loaded.validate() }
    guard loader.problems.isEmpty else { throw ConfigurationError(problems: loader.problems) }
    return loader.loaded
  }

  private init(environment: [String: String]) { self.environment = environment }

  private mutating func readFile(_ path: String) {
    switch readWholeFile(path) {
    case .success(let bytes):
      let file = FileSettings(bytes, file: path)
      problems += file.problems
      apply(file.settings)
    case .failure(let error):
      problems.append(ConfigurationProblem(source: .file(path, line: nil), option: nil, message: error.description))
    }
  }

  private mutating func readEnvironment() {
    let settings = EnvironmentSettings(environment)
    problems += settings.problems
    apply(settings.settings)
  }

  private mutating func readArguments(_ arguments: ParsedArguments) {
    let settings = ArgumentSettings(arguments)
    problems += settings.problems
    apply(settings.settings)
  }

  private mutating func apply(_ settings: [ConfigurationSetting]) {
    for setting in settings {
      // The sources have refused unknown paths.
      guard let option = FulguriteConfiguration.option(at: setting.path) else { continue }
      do throws(ConfigurationMismatch) {
        try option.set(setting.value, in: &loaded.values)
        loaded.sources[setting.path] = setting.source
      } catch {
        let problem = ConfigurationProblem(source: setting.source, option: setting.path, message: error.description)
        problems.append(problem)
      }
    }
  }

  /// Finds what the configuration only points to: the data folder and the token files.
  private mutating func resolve() {
    resolveDataDirectory()
    resolveTokenFile(\.auth.ingest, "auth.ingest.token_file")
    resolveTokenFile(\.auth.api, "auth.api.token_file")
  }

  private mutating func resolveDataDirectory() {
    let paths = UserPaths(environment: environment)
    guard let directory = paths.dataDirectory(configured: loaded.values.data.directory) else {
      return report("data.directory", "no home directory is known (HOME is not set); set data.directory")
    }
    loaded.values.data.directory = directory
  }

  private mutating func resolveTokenFile(
    _ property: WritableKeyPath<FulguriteConfiguration, RouteTokens>, _ option: String
  ) {
    let configured = loaded.values[keyPath: property].tokenFile
    guard !configured.isEmpty else { return }
    guard let path = UserPaths(environment: environment).expand(configured) else {
      return report(option, "no home directory is known (HOME is not set); write the whole path")
    }
    switch readTokenFile(path) {
    case .success(let tokens):
      loaded.values[keyPath: property].tokenFile = path
      loaded.values[keyPath: property].fileTokens = tokens
    case .failure(let error): report(option, error.description)
    }
  }

  private mutating func report(_ option: String, _ message: String) {
    problems.append(ConfigurationProblem(source: loaded.source(of: option), option: option, message: message))
  }
}
