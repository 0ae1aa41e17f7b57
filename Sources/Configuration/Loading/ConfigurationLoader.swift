package import Arguments

/// Reads the configuration: the defaults, then the file, the environment and the command line, each over the one before.
///
/// Nothing that is wrong is passed over: unknown options and bad values of every source are collected, and refused
/// together.
package struct ConfigurationLoader {
  var loaded = LoadedConfiguration()
  private var problems: [ConfigurationProblem] = []
  let environment: [String: String]

  /// Loads and checks a configuration.
  ///
  /// - Parameters:
  ///   - arguments: The flags of ``flags`` are taken, others belong to the program.
  ///   - environment: All variables of the process; those that start with `FULGURITE_` are taken, and those that
  ///     options name.
  ///   - scope: What the configuration is for.
  /// - Throws: All problems at once.
  package static func load(
    arguments: ParsedArguments, environment: [String: String], scope: LoadScope = .serving
  ) throws(ConfigurationError) -> LoadedConfiguration {
    var loader = ConfigurationLoader(environment: environment)
    let variable = environment[fileVariable].flatMap { $0.isEmpty ? nil : $0 }
    let file = (arguments.value(of: fileFlag.name) ?? variable).flatMap { loader.readFile($0) }
    let flags = ArgumentSettings(arguments)
    let variables = EnvironmentSettings(environment, besides: (file?.settings ?? []) + flags.settings)
    if let file { loader.apply(file.settings, file.problems) }
    loader.apply(variables.settings, variables.problems)
    loader.apply(flags.settings, flags.problems)
    // What depends on several options is only checked when each of them is right.
    if loader.problems.isEmpty { loader.resolve(scope) }
    if loader.problems.isEmpty { loader.problems = loader.loaded.validate() }
    guard loader.problems.isEmpty else { throw ConfigurationError(problems: loader.problems) }
    return loader.loaded
  }

  private init(environment: [String: String]) { self.environment = environment }

  private mutating func readFile(_ path: String) -> FileSettings? {
    switch readWholeFile(path) {
    case .success(let bytes): return FileSettings(bytes, file: path)
    case .failure(let error):
      problems.append(ConfigurationProblem(source: .file(path, line: nil), option: nil, message: error.description))
      return nil
    }
  }

  private mutating func apply(_ settings: [ConfigurationSetting], _ found: [ConfigurationProblem]) {
    problems += found
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

  /// Finds what the configuration only points to: the data folder, the token files, and what upstreams need.
  private mutating func resolve(_ scope: LoadScope) {
    resolveDataDirectory()
    for (section, tokens) in AuthConfiguration.sections { resolveTokenFile(tokens, "\(section).token_file") }
    loaded.values.auth.exposesProxy = loaded.values.llmProxyAddresses.contains { !$0.isLoopback }
    if scope == .serving { resolveUpstreams() }
    if scope != .reading { resolveForwardTargets() }
  }

  private mutating func resolveDataDirectory() {
    let paths = UserPaths(environment: environment)
    guard let directory = paths.dataDirectory(configured: loaded.values.data.directory) else {
      return report("data.directory", "no home directory is known (HOME is not set); set data.directory")
    }
    loaded.values.data.directory = directory
  }

  private mutating func resolveTokenFile(
    _ property: WritableKeyPath<AuthConfiguration, RouteTokens>, _ option: String
  ) {
    let configured = loaded.values.auth[keyPath: property].tokenFile
    guard !configured.isEmpty else { return }
    guard let path = UserPaths(environment: environment).expand(configured) else {
      return report(option, "no home directory is known (HOME is not set); write the whole path")
    }
    switch readTokenFile(path) {
    case .success(let tokens):
      loaded.values.auth[keyPath: property].tokenFile = path
      loaded.values.auth[keyPath: property].fileTokens = tokens
    case .failure(let error): report(option, error.description)
    }
  }

  mutating func report(_ option: String, _ message: String) {
    problems.append(ConfigurationProblem(source: loaded.source(of: option), option: option, message: message))
  }
}
