internal import Arguments

extension ConfigurationReference {
  /// `docs/configuration.md`.
  package static func markdown() -> String {
    var text = """
      # Configuration

      Options come from, in increasing precedence: the defaults, the file that `--config FILE` or `FULGURITE_CONFIG`
      names (an example with all options is `config/fulgurite.yaml`), environment variables, and flags
      (`--set OPTION=VALUE`). Unknown options and values that are not allowed are errors, wherever they stand.

      Durations are written `250ms`, `10s`, `2m`, `1h`, `1d`; a plain number means seconds. Sizes are written `64KiB`,
      `10MB`, `1GiB`; a plain number means bytes. Lists are YAML lists, and texts with commas elsewhere.

      This page is made from the table of options in the program.

      """
    for option in FulguriteConfiguration.options { text += "\n" + entry(option) }
    for section in FulguriteConfiguration.namedSections {
      let documentation = wrapped(section.documentation, columns: 118).joined(separator: "\n")
      text += "\n## `\(section.path).\(NamedSection.placeholder)`\n\n\(documentation)\n"
      for option in section.documentedOptions { text += "\n" + entry(option) }
    }
    return text
  }

  private static func entry(_ option: ConfigurationOption) -> String {
    let documentation = wrapped(option.documentation, columns: 118).joined(separator: "\n")
    var facts = [
      "- Allowed: \(option.expectation)",
      "- Type: \(option.type)\(option.unit.map { ", in \($0) unless another unit is given" } ?? "")",
      "- Default: `\(option.defaultValue.yaml)`",
      "- Environment: `\(option.environmentVariable)`",
    ]
    if let flag = option.flag {
      facts.append("- Flag: `\(flag.name)\(flag.value.map { " \($0)" } ?? "")`")
    }
    return "## `\(option.path)`\n\n\(documentation)\n\n\(facts.joined(separator: "\n"))\n"
  }
}
