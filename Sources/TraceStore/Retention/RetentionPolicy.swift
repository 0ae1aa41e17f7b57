/// How long spans are kept, and how many.
///
/// All limits are optional, and what goes beyond one of them goes. Ages count from the arrival of a span, by our clock:
/// the times inside spans are data from outside.
package struct RetentionPolicy: Sendable, Equatable {
  /// What holds for the spans of one service besides.
  package struct Service: Sendable, Equatable {
    /// The resource's `service.name`.
    package var name: String
    package var maximumAge: Duration?
    package var maximumSpans: Int?

    package init(name: String, maximumAge: Duration? = nil, maximumSpans: Int? = nil) {
      self.name = name
      self.maximumAge = maximumAge
      self.maximumSpans = maximumSpans
    }
  }

  /// How long after its last span a rollout goes, and a trace without one.
  package var maximumAge: Duration?
  /// The same for rollouts that failed or carry a reward; they also go last when there is no room.
  package var valuedAge: Duration?
  /// What the database and its write-ahead log may take on the disk, in bytes.
  package var maximumBytes: Int?
  /// The newest spans of a rollout that are kept.
  package var spansPerRollout: Int?
  package var services: [Service] = []
  /// How long after its arrival a span loses its prompts and completions.
  package var payloadAfter: Duration?
  /// How long after its last span an attempt that has ended is put together on the disk.
  package var packAfter: Duration? = .seconds(600)
  /// How long spans are kept for a forwarder that has not delivered them.
  package var forwardLag = Duration.seconds(7 * 86_400)
  /// The time between two passes.
  package var interval = Duration.seconds(60)
  /// How long nothing goes by its age after the clock has jumped forward.
  package var clockGrace = Duration.seconds(3_600)

  /// Nothing goes.
  package init() {}

  /// Whether anything can go.
  package var deletes: Bool {
    maximumAge != nil || valuedAge != nil || maximumBytes != nil || spansPerRollout != nil || !services.isEmpty
  }
}
