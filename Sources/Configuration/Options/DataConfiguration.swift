internal import Arguments

/// Where the data lies.
package struct DataConfiguration: Sendable, Equatable {
  /// The folder of the database; made when it does not exist.
  ///
  /// Default empty, environment `FULGURITE_DATA_DIRECTORY`. A loaded configuration never has it empty: the loader puts
  /// `$XDG_DATA_HOME/fulgurite` or `~/.local/share/fulgurite` there, and expands a leading `~/`
  /// ([XDG base directories](https://specifications.freedesktop.org/basedir-spec/latest/)).
  package var directory = ""

  /// The defaults.
  package init() {}
}

extension DataConfiguration {
  static let options = [
    ConfigurationOption(
      "data.directory", \.data.directory, .path,
      "The folder of the database, made when it does not exist. Empty means $XDG_DATA_HOME/fulgurite, or "
        + "~/.local/share/fulgurite.",
      flag: Flag("--data", value: "DIR", "keep the data in DIR"))
  ]
}
