/// Which version of the program this is; the one place that says so.
enum ProgramVersion {
  /// [Semantic versioning](https://semver.org).
  static let text = "0.1.0"

  /// What `fulgurite --version` prints.
  static let line = "fulgurite \(text)\n"
}
