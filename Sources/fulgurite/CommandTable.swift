import Arguments
import Configuration

/// The commands and their flags; help is printed from the same table.
enum CommandTable {
  static let program = Command(
    "fulgurite", "keeps OpenTelemetry spans of agents by rollout and attempt",
    version: ProgramVersion.line,
    subcommands: [
      Command(
        "serve", "receive spans over OTLP, store and serve them",
        discussion: """
          Without flags it listens on localhost: OTLP/HTTP on port 4318, OTLP/gRPC on 4317, the APIs on 4747.

          With an upstream the LLM proxy listens on port 4000: --set llm.upstreams.NAME.base_url=URL, where you choose \
          NAME. Its API key comes from the environment variable that --set llm.upstreams.NAME.api_key_env=VARIABLE names.

          When it is ready it prints one line of JSON with its addresses on standard output; the log goes to standard \
          error.
          """,
        flags: ConfigurationLoader.flags),
      Command(
        "query", "read what is stored, with or without a running server",
        subcommands: [
          Command(
            "spans", "print the spans of a rollout, in the order of their arrival",
            flags: [
              Flag("--rollout", value: "ID", "the rollout"),
              Flag("--attempt", value: "ID", "only this attempt of it, or 'latest'"),
              Flag("--name", value: "NAME", "only spans with this name"),
              Flag("--limit", value: "COUNT", "at most so many spans"),
              formatFlag("table, json (a line for each span) or otlp (one OTLP/JSON document)"),
            ] + readingFlags),
          Command(
            "rollouts", "list the rollouts that spans were seen of",
            flags: [formatFlag("table or json")] + readingFlags),
        ]),
      Command(
        "rollouts", "look at the rollouts of Agent Lightning, with or without a running server",
        subcommands: [
          Command(
            "list", "list rollouts, the newest first",
            flags: [
              Flag("--status", value: "STATUS", "only rollouts that stand like this, for example running"),
              Flag("--limit", value: "COUNT", "at most so many; 100 is the default"),
              formatFlag("table or json (a line for each rollout)"),
            ] + readingFlags),
          Command(
            "show", "print one rollout with its attempts",
            flags: [formatFlag("table or json")] + readingFlags,
            operands: [Operand("ID", "the rollout")]),
          Command(
            "tail", "print a line whenever a rollout changes its status, also after its end, until it is interrupted",
            flags: [formatFlag("table or json (a line for each change)")] + readingFlags),
        ]),
      Command(
        "doctor", "say why a rollout is empty or incomplete, with or without a running server",
        flags: [
          Flag("--rollout", value: "ID", "the rollout"),
          formatFlag("table or json"),
        ] + readingFlags),
      Command(
        "retention", "say what retention would delete now",
        discussion: """
          The server deletes by itself what is beyond the limits of the section retention. With --dry-run this command says \
          what would go by these limits, and how many bytes would return; other limits can be tried with --set.
          """,
        flags: [
          Flag("--dry-run", "change nothing"),
          formatFlag("table or json"),
        ] + readingFlags),
      Command(
        "forward", "send stored spans to another receiver of OTLP once, with or without a running server",
        discussion: """
          Spans are named by their arrival numbers, which 'cursor' in /api/v1/forwarders speaks in as well. What a server \
          forwards on its own, to the targets of its configuration, is not changed by it.
          """,
        flags: ForwardCommand.flags + readingFlags),
      Command("version", "print the version"),
    ])

  /// The flags of commands that serve nothing.
  ///
  /// Those of listeners and of the log mean nothing to them, and are taken so that the flags of `serve` can be repeated.
  private static let readingFlags = ConfigurationLoader.flags.map { flag in
    var flag = flag
    flag.isHidden = !usedFlags.contains(flag.name)
    return flag
  }

  private static let usedFlags = [ConfigurationLoader.fileFlag.name, ConfigurationLoader.setFlag.name, "--data"]

  private static func formatFlag(_ formats: String) -> Flag {
    Flag("--format", value: "FORMAT", "\(formats); table is the default")
  }
}
