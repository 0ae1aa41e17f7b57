internal import Spelling

/// Collects the settings of the environment.
struct EnvironmentSettings {
  private(set) var settings: [ConfigurationSetting] = []
  private(set) var problems: [ConfigurationProblem] = []

  init(_ environment: [String: String]) {
    // Sorted, so that messages come in one order.
    for (name, text) in environment.sorted(by: { $0.key < $1.key }) {
      guard name.hasPrefix(ConfigurationOption.environmentPrefix), name != ConfigurationLoader.fileVariable else {
        continue
      }
      let source = ConfigurationSource.environment(name)
      if let option = FulguriteConfiguration.options.first(where: { $0.environmentVariable == name }) {
        settings.append(ConfigurationSetting(path: option.path, value: .text(text), source: source))
      } else {
        let known = FulguriteConfiguration.options.map(\.environmentVariable) + [ConfigurationLoader.fileVariable]
        let suggestion = Spelling.suggestion(for: name, in: known)
        problems.append(ConfigurationProblem(source: source, option: nil, message: "unknown option\(suggestion)"))
      }
    }
  }
}
