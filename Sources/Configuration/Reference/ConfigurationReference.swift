/// The documentation of all options, made from their table.
package enum ConfigurationReference {
  /// A configuration file in which every option stands, commented out, with its default.
  ///
  /// `config/fulgurite.yaml` is this text.
  package static func yaml() -> String {
    var text = """
      # The options of Fulgurite, each with its default. To set one, remove the "#" before its name.
      #
      # Environment variables override this file, flags (--set OPTION=VALUE) override both.
      # Durations: 250ms, 10s, 2m, 1h, 1d; a plain number means seconds.
      # Sizes: 64KiB, 10MB, 1GiB; a plain number means bytes.

      """
    var section: [Substring] = []
    for option in FulguriteConfiguration.documentedOptions {
      let words = option.path.split(separator: ".")
      let parents = Array(words.dropLast())
      text += "\n"
      for depth in parents.indices where depth >= section.count || parents[...depth] != section[...depth] {
        text += heading(parents[...depth])
      }
      section = parents
      text += entry(option, name: String(words[words.count - 1]), indentation: indentation(parents.count))
    }
    return text
  }

  /// The line that opens a section; where it stands for any name it is commented out, as its options are.
  private static func heading(_ path: ArraySlice<Substring>) -> String {
    let indentation = indentation(path.count - 1)
    let word = path[path.endIndex - 1]
    guard word == NamedSection.placeholder else { return "\(indentation)\(word):\n" }
    let parent = path.dropLast().joined(separator: ".")
    let sections = FulguriteConfiguration.namedSections.filter { $0.path == parent }
    let lines = sections.flatMap { wrapped($0.documentation, columns: 100 - indentation.count) }
    return lines.map { "\(indentation)# \($0)\n" }.joined() + "\(indentation)#\(word):\n"
  }

  private static func entry(_ option: ConfigurationOption, name: String, indentation: String) -> String {
    let columns = 100 - indentation.count
    var lines = wrapped(option.documentation, columns: columns)
    lines += wrapped("Allowed: \(option.expectation).", columns: columns)
    lines.append("Default: \(option.defaultDescription). Environment: \(option.environmentVariable).")
    let comments = lines.map { "\(indentation)# \($0)\n" }.joined()
    return comments + "\(indentation)#\(name): \(option.defaultValue.yaml)\n"
  }

  private static func indentation(_ depth: Int) -> String { String(repeating: "  ", count: depth) }
}
