extension ForwardTargetConfiguration {
  static let section = NamedSection(
    path: "forward.targets",
    documentation:
      "A target is a receiver of OTLP, such as Jaeger, that stored spans are sent on to. NAME stands for its "
      + "name: \(NamedSection.nameExpectation). In environment variables names are upper-case, with underscores for "
      + "hyphens. How far a target has got is kept under its name.",
    refusals: [
      "authorization":
        "keys are not settings, which people see in files and lists of processes; name the environment variable that "
        + "holds the header with headers_env, or the file with headers_file"
    ],
    options: { name in endpoint(name) + security(name) + selection(name) + requests(name) })

  /// The path of its section: `forward.targets.jaeger`.
  var section: String { "\(Self.section.path).\(name)" }

  private static func endpoint(_ name: String) -> [ConfigurationOption] {
    [
      ConfigurationOption(
        "forward.targets.\(name).endpoint", \.forward[target: name].endpoint, .upstreamURL,
        "Where the target is, such as http://localhost:4317 or https://collector.example.com:4318. Over HTTP an address "
          + "without a path stands for its path /v1/traces, and one with a path is used as it is; over gRPC a path is put "
          + "before the path of the call. Required."),
      ConfigurationOption(
        "forward.targets.\(name).protocol", \.forward[target: name].configuredCarrier, .guessable(.word()),
        "How spans are carried: grpc (OTLP/gRPC over HTTP/2) or http (OTLP/HTTP with protobuf). Empty guesses it from the "
          + "port: grpc for 4317, else http."),
      ConfigurationOption(
        "forward.targets.\(name).compression", \.forward[target: name].compression, .word(),
        "How requests are compressed: gzip or none."),
      ConfigurationOption(
        "forward.targets.\(name).start", \.forward[target: name].start, .word(),
        "Where a target begins that was never configured before: now (with the next span that is stored) or oldest (with "
          + "all that is stored). A target that was configured before goes on where it was."),
    ]
  }

  private static func security(_ name: String) -> [ConfigurationOption] {
    [
      ConfigurationOption(
        "forward.targets.\(name).headers", \.forward[target: name].headers, .headers,
        "Headers of each request, without secrets: NAME=VALUE, such as x-scope-orgid=team-1."),
      ConfigurationOption(
        "forward.targets.\(name).headers_env", \.forward[target: name].headersVariable, .environmentVariable,
        "The environment variable that holds further headers, secrets among them: NAME=VALUE with commas between, values "
          + "percent-encoded where need be, as in OTEL_EXPORTER_OTLP_HEADERS."),
      ConfigurationOption(
        "forward.targets.\(name).headers_file", \.forward[target: name].headersFile, .keyPath,
        "The file that holds further headers, one on each line as NAME: VALUE, readable by its owner alone (chmod 600) or "
          + "a systemd credential. It is read at start."),
      ConfigurationOption(
        "forward.targets.\(name).ca_file", \.forward[target: name].caFile, .path,
        "A PEM file of the certificate authorities that are trusted instead of the system's; empty means the system's."),
      ConfigurationOption(
        "forward.targets.\(name).cert_file", \.forward[target: name].certificateFile, .path,
        "A PEM file of the certificate that is shown to the target; empty means none."),
      ConfigurationOption(
        "forward.targets.\(name).key_file", \.forward[target: name].keyFile, .keyPath,
        "The PEM file of the key of cert_file."),
    ]
  }

  private static func selection(_ name: String) -> [ConfigurationOption] {
    [
      ConfigurationOption(
        "forward.targets.\(name).services", \.forward[target: name].services, .patternNames,
        "The services (service.name) whose spans are sent; an asterisk at the end stands for any end. Empty means all."),
      ConfigurationOption(
        "forward.targets.\(name).rollouts", \.forward[target: name].rollouts, .patternNames,
        "The rollouts whose spans are sent; an asterisk at the end stands for any end. Empty means all, and spans without "
          + "a rollout."),
      ConfigurationOption(
        "forward.targets.\(name).errors_only", \.forward[target: name].errorsOnly, .boolean,
        "Whether only spans with the status of an error are sent."),
      ConfigurationOption(
        "forward.targets.\(name).add_rollout", \.forward[target: name].addsRollout, .boolean,
        "Whether spans that leave get the attributes agentlightning.rollout_id, agentlightning.attempt_id and "
          + "agentlightning.span_sequence_id where they have none of their own."),
      ConfigurationOption(
        "forward.targets.\(name).resend_retagged", \.forward[target: name].resendsRetagged, .boolean,
        "Whether spans are sent again when they get another rollout, attempt or number after they were sent."),
    ]
  }

  private static func requests(_ name: String) -> [ConfigurationOption] {
    [
      ConfigurationOption(
        "forward.targets.\(name).timeout", \.forward[target: name].timeout, .positiveDuration,
        "How long a request may take, with its answer."),
      ConfigurationOption(
        "forward.targets.\(name).max_batch_bytes", \.forward[target: name].batchBytes, .bytes(1 << 10...1 << 26),
        "The bytes of a request before compression; many servers take no gRPC messages of 4 MiB or more. A span that is "
          + "larger goes alone."),
      ConfigurationOption(
        "forward.targets.\(name).max_batch_spans", \.forward[target: name].batchSpans, .integer(1...1_000_000),
        "The spans of a request."),
      ConfigurationOption(
        "forward.targets.\(name).interval", \.forward[target: name].interval, .positiveDuration,
        "How long spans are collected when there are few; when many wait, requests follow each other at once."),
      ConfigurationOption(
        "forward.targets.\(name).retry_initial", \.forward[target: name].firstRetry, .positiveDuration,
        "How long a target is left alone after it has not taken a request; each further wait is half as long again, and "
          + "each is up to half longer or shorter by chance."),
      ConfigurationOption(
        "forward.targets.\(name).retry_max", \.forward[target: name].longestRetry, .positiveDuration,
        "The longest of these waits; longer ones are for the target to ask for."),
    ]
  }
}
