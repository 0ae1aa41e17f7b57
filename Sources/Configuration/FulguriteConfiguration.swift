/// Everything that a user sets, with its defaults.
///
/// Each option is declared beside its property, in the ``ConfigurationOption`` table of its section; reading the file,
/// the environment and the command line is the job of ``ConfigurationLoader``.
package struct FulguriteConfiguration: Sendable, Equatable {
  /// Where the data lies.
  package var data = DataConfiguration()
  /// Which addresses are listened on.
  package var listen = ListenConfiguration()
  /// How many event loops run; 0 means one for each core.
  ///
  /// Default 0, environment `FULGURITE_LOOPS`.
  package var loops = 0
  /// How much the program takes on at once.
  package var limits = LimitsConfiguration()
  /// How spans are stored.
  package var store = StoreConfiguration()
  /// How long spans are kept, and how many.
  package var retention = RetentionConfiguration()
  /// Who may send and who may read.
  package var auth = AuthConfiguration()
  /// How much a query may ask for.
  package var query = QueryConfiguration()
  /// What is logged.
  package var log = LogConfiguration()
  /// How the program ends.
  package var shutdown = ShutdownConfiguration()
  /// Where spans go that say nothing of a rollout.
  package var attribution = AttributionConfiguration()
  /// Agent Lightning's store API.
  package var agl = LightningConfiguration()
  /// The proxy in front of LLM providers.
  package var llm = LLMConfiguration()
  /// Sending spans on to other receivers.
  package var forward = ForwardConfiguration()

  /// The defaults.
  package init() {}
}

extension FulguriteConfiguration {
  /// All options whose paths hold no name, in the order of the documentation.
  package static let options: [ConfigurationOption] =
    DataConfiguration.options + ListenConfiguration.options + [loopsOption] + LimitsConfiguration.options
    + StoreConfiguration.options + RetentionConfiguration.options + AuthConfiguration.options
    + QueryConfiguration.options + LogConfiguration.options
    + ShutdownConfiguration.options + AttributionConfiguration.options + LightningConfiguration.options
    + LLMConfiguration.options + ForwardConfiguration.options

  /// The sections whose entries the user names.
  package static let namedSections = [
    ServiceRetention.section, UpstreamConfiguration.section, ForwardTargetConfiguration.section,
  ]

  /// All options as the documentation shows them, with ``NamedSection/placeholder`` for names.
  ///
  /// Those of named sections stand behind the others that begin with the same word, which YAML has once.
  package static let documentedOptions = namedSections.reduce(into: options) { documented, section in
    let word = section.path.prefix { $0 != "." } + "."
    let last = documented.lastIndex { $0.path.hasPrefix(word) }
    documented.insert(contentsOf: section.documentedOptions, at: last.map { $0 + 1 } ?? documented.endIndex)
  }

  /// The option of this path; `nil` when there is none.
  package static func option(at path: String) -> ConfigurationOption? {
    guard case .option(let option) = lookUp(path) else { return nil }
    return option
  }

  private static let loopsOption = ConfigurationOption(
    "loops", \.loops, .integer(0...1024),
    "How many event loops run, each on a thread of its own; 0 means one for each core.")
}
