/// One value that a source gives to one option.
struct ConfigurationSetting: Hashable, Sendable {
  /// The path of the option.
  let path: String
  /// What it is set to.
  let value: ConfigurationValue
  /// Where that was said.
  let source: ConfigurationSource
}
