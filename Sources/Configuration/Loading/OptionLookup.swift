internal import Spelling

/// What a path leads to.
enum OptionLookup {
  case option(ConfigurationOption)
  /// Options stand below it.
  case section
  /// Nothing, for a reason that deserves words of its own.
  case refused(option: String, message: String)
  /// Nothing; the end of an error message, with what was probably meant.
  case unknown(message: String)
}

extension FulguriteConfiguration {
  /// Finds what a path leads to, also below names that are seen for the first time.
  static func lookUp(_ path: String) -> OptionLookup {
    if let option = options.first(where: { $0.path == path }) { return .option(option) }
    for section in namedSections {
      if let found = lookUp(path, in: section) { return found }
    }
    if isSection(path) { return .section }
    let suggestion = Spelling.suggestion(for: path, in: candidates(for: path))
    return .unknown(message: "unknown option \(quote(path))\(suggestion)")
  }

  private static func lookUp(_ path: String, in section: NamedSection) -> OptionLookup? {
    guard let name = section.name(in: path) else { return nil }
    guard NamedSection.isName(name) else {
      let message = "\(quote(String(name))) cannot be a name; expected \(NamedSection.nameExpectation)"
      return .refused(option: section.path, message: message)
    }
    guard let word = section.option(in: path) else { return .section }
    if let message = section.refusals[String(word)] { return .refused(option: path, message: message) }
    let options = section.options(String(name))
    if let option = options.first(where: { $0.path == path }) { return .option(option) }
    // Paths that begin alike are close to each other whatever their ends, so only the ends are compared.
    let meant = Spelling.nearest(to: String(word), in: section.words)
    let suggestion = meant.map { ", did you mean \(quote("\(section.path).\(name).\($0)"))?" } ?? ""
    return .unknown(message: "unknown option \(quote(path))\(suggestion)")
  }

  private static func isSection(_ path: String) -> Bool {
    let below = options.map(\.path) + namedSections.map { $0.path + "." }
    return below.contains { $0.hasPrefix(path + ".") }
  }

  /// All paths, with the name that the misspelled path seems to hold.
  private static func candidates(for path: String) -> [String] {
    let words = path.split(separator: ".", omittingEmptySubsequences: false)
    let named = namedSections.flatMap { section in
      let depth = section.path.split(separator: ".").count
      guard words.count > depth, NamedSection.isName(words[depth]) else { return [String]() }
      return section.options(String(words[depth])).map(\.path)
    }
    return options.map(\.path) + namedSections.map(\.path) + named
  }
}
