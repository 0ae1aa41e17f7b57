package import Arguments

extension ConfigurationLoader {
  /// The environment variable that names the configuration file, unless ``fileFlag`` does.
  package static let fileVariable = ConfigurationOption.environmentPrefix + "CONFIG"

  /// Names the configuration file.
  package static let fileFlag = Flag(
    "--config", value: "FILE", "read the configuration from FILE (environment: \(fileVariable))")

  /// Sets any option.
  package static let setFlag = Flag(
    "--set", value: "OPTION=VALUE", "set an option, over the file and the environment", isRepeatable: true)

  /// The flags of a command that needs the configuration.
  package static let flags = [fileFlag, setFlag] + FulguriteConfiguration.options.compactMap(\.flag)
}
