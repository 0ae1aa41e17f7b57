/// How long spans are kept, and how many.
package struct RetentionConfiguration: Sendable, Equatable {
  /// How long after its last span a rollout goes, and a trace without one; 0 = never.
  ///
  /// Default 30 days, environment `FULGURITE_RETENTION_MAX_AGE`.
  package var maximumAge = Duration.seconds(30 * 86_400)
  /// The same for rollouts that failed or carry a reward; 0 = never.
  ///
  /// Default 90 days, environment `FULGURITE_RETENTION_VALUED_MAX_AGE`.
  package var valuedMaximumAge = Duration.seconds(90 * 86_400)
  /// Bytes of the database and its write-ahead log; 0 = as many as come.
  ///
  /// Default 0, environment `FULGURITE_RETENTION_MAX_BYTES`.
  package var maximumBytes = 0
  /// Spans of a rollout that has ended; 0 = as many as come.
  ///
  /// Default 0, environment `FULGURITE_RETENTION_MAX_SPANS_PER_ROLLOUT`.
  package var maximumSpansPerRollout = 0
  /// How long after its arrival a span loses its prompts and completions; 0 = never.
  ///
  /// Default 0, environment `FULGURITE_RETENTION_PAYLOAD_AFTER`.
  package var payloadAfter = Duration.zero
  /// How long after its last span an attempt that has ended is put together on the disk; 0 = never.
  ///
  /// Default 10 minutes, environment `FULGURITE_RETENTION_PACK_AFTER`.
  package var packAfter = Duration.seconds(600)
  /// The time between two looks at what is to go.
  ///
  /// Default 1 minute, environment `FULGURITE_RETENTION_INTERVAL`.
  package var interval = Duration.seconds(60)
  /// How long nothing goes by its age after the clock has jumped forward.
  ///
  /// Default 1 hour, environment `FULGURITE_RETENTION_CLOCK_GRACE`.
  package var clockGrace = Duration.seconds(3_600)
  /// Limits of single services, in the order in which they were named.
  package var services: [ServiceRetention] = []

  /// The defaults.
  package init() {}

  /// The limits of this name, which are made by setting something of them.
  subscript(service name: String) -> ServiceRetention {
    get { services.first { $0.name == name } ?? ServiceRetention(name: name) }
    set {
      if let index = services.firstIndex(where: { $0.name == name }) {
        services[index] = newValue
      } else if newValue != ServiceRetention(name: name) {
        // A name without limits is as if it were not there.
        services.append(newValue)
      }
    }
  }
}

extension RetentionConfiguration {
  static let options = [
    ConfigurationOption(
      "retention.max_age", \.retention.maximumAge, .duration,
      "How long after the arrival of its last span a rollout is deleted, and a trace without a rollout; 0 means never. "
        + "Rollouts that are pinned or wait in the queue stay."),
    ConfigurationOption(
      "retention.valued_max_age", \.retention.valuedMaximumAge, .duration,
      "The same for rollouts that failed or carry a reward; 0 means never."),
    ConfigurationOption(
      "retention.max_bytes", \.retention.maximumBytes, .bytes(0...1 << 50),
      "What the database and its write-ahead log may take on the disk, 64MiB or more; 0 means as much as comes. The oldest "
        + "rollouts and traces go before that is reached, those that failed or carry a reward last; those that are pinned, "
        + "running or not forwarded stay."),
    ConfigurationOption(
      "retention.max_spans_per_rollout", \.retention.maximumSpansPerRollout, .integer(0...1 << 40),
      "How many spans of a rollout are kept once it has ended, the newest; 0 means all."),
    ConfigurationOption(
      "retention.payload_after", \.retention.payloadAfter, .duration,
      "How long after its arrival a span loses its prompts and completions; structure, times, usage and metrics stay, and "
        + "the attribute fulgurite.payload_dropped says so. 0 means never. Rollouts that failed, carry a reward, are pinned or "
        + "run keep them."),
    ConfigurationOption(
      "retention.pack_after", \.retention.packAfter, .duration,
      "How long after its last span the spans of an attempt that has ended are put together on the disk, where "
        + "conversations that repeat themselves take a fraction of the room; 0 means never."),
    ConfigurationOption(
      "retention.interval", \.retention.interval, .positiveDuration,
      "The time between two looks at what is to go; retention.max_bytes is watched all the time."),
    ConfigurationOption(
      "retention.clock_grace", \.retention.clockGrace, .duration,
      "How long nothing is deleted by its age when the clock has jumped forward, or when everything would be too old at the "
        + "start."),
  ]

  /// What the write-ahead log and the work of deleting need.
  static let leastBytes = 64 << 20
}

/// What holds for the spans of one service.
package struct ServiceRetention: Sendable, Equatable {
  /// The name of the section, which is the service's unless that is set.
  package let name: String
  /// The resource's `service.name`; empty means the name of the section.
  ///
  /// Default empty, environment `FULGURITE_RETENTION_SERVICES_NAME_SERVICE`.
  package var configuredService = ""
  /// How long after their arrival spans of the service are deleted; 0 = no sooner than others.
  ///
  /// Default 0, environment `FULGURITE_RETENTION_SERVICES_NAME_MAX_AGE`.
  package var maximumAge = Duration.zero
  /// How many spans of the service are kept; 0 = all.
  ///
  /// Default 0, environment `FULGURITE_RETENTION_SERVICES_NAME_MAX_SPANS`.
  package var maximumSpans = 0

  /// No limits.
  package init(name: String) { self.name = name }

  /// The resource's `service.name`.
  package var service: String { configuredService.isEmpty ? name : configuredService }
}

extension ServiceRetention {
  static let section = NamedSection(
    path: "retention.services",
    documentation: "Limits for the spans of one service, besides those for all. NAME stands for its name: "
      + "\(NamedSection.nameExpectation). Spans of rollouts that failed, are pinned or have not ended stay.",
    refusals: [:],
    options: { name in
      [
        ConfigurationOption(
          "retention.services.\(name).service", \.retention[service: name].configuredService, .label,
          "The service.name of the resource, where it is not NAME: other letters, dots."),
        ConfigurationOption(
          "retention.services.\(name).max_age", \.retention[service: name].maximumAge, .duration,
          "How long after their arrival spans of the service are deleted; 0 means no sooner than others."),
        ConfigurationOption(
          "retention.services.\(name).max_spans", \.retention[service: name].maximumSpans, .integer(0...1 << 40),
          "How many spans of the service are kept, the newest; 0 means all."),
      ]
    })
}
