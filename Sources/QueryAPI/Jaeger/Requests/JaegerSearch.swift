/// What a search looks for, from either interface.
struct JaegerSearch: Sendable {
  /// As Jaeger shows it, so also what it shows for a resource without a name.
  var service: String?
  var operation: String?
  /// When the spans start, nanoseconds since 1970.
  var starts: ClosedRange<UInt64>
  /// Nanoseconds.
  var durations: ClosedRange<UInt64> = 0...UInt64.max
  var tags: [(key: String, value: String)] = []
  var limit: Int

  /// How many tags a search can have.
  static let mostTags = 64

  private static let defaultLimit = 100
  /// How far a search reaches back that does not say.
  private static let lookback: Int64 = 2 * 86_400 * 1_000_000_000

  /// Reads the parameters of Jaeger's page.
  init(_ parameters: JaegerParameters, now: Int64, maximumLimit: Int) throws(JaegerFault) {
    guard let service = parameters.text("service") else { throw JaegerFault(400, "parameter 'service' is required") }
    self.service = service
    operation = parameters.text("operation")
    let start = try parameters.time("start", unit: 1_000) ?? UInt64(max(0, now - Self.lookback))
    let end = try parameters.time("end", unit: 1_000) ?? UInt64(max(0, now))
    guard start <= end else { throw JaegerFault(400, "invalid parameter: start time must be before end time") }
    starts = start...end
    limit = try Self.limit(parameters.integer("limit"), "limit", maximumLimit)
    durations = try Self.durations(try parameters.duration("minDuration"), try parameters.duration("maxDuration"))
    for tag in parameters.values("tag") { try addTag(tag) }
    for tags in parameters.values("tags") where !tags.isEmpty { try addTags(tags, "'tags' parameter") }
  }

  /// Reads the parameters of the newer interface.
  init(new parameters: JaegerParameters, maximumLimit: Int) throws(JaegerFault) {
    service = parameters.text("query.serviceName", "query.service_name")
    operation = parameters.text("query.operationName", "query.operation_name")
    let start = try parameters.moment("query.startTimeMin", "query.start_time_min")
    let end = try parameters.moment("query.startTimeMax", "query.start_time_max")
    guard let start, let end else {
      throw JaegerFault(400, "query.startTimeMin and query.startTimeMax are required")
    }
    guard start <= end else { throw JaegerFault(400, "query.startTimeMin must be before query.startTimeMax") }
    starts = start...end
    let depth = try parameters.integer("query.searchDepth", "query.search_depth", "query.num_traces")
    limit = try Self.limit(depth, "query.searchDepth", maximumLimit)
    durations = try Self.durations(
      try parameters.duration("query.durationMin", "query.duration_min"),
      try parameters.duration("query.durationMax", "query.duration_max"))
    if let attributes = parameters.text("query.attributes") {
      try addTags(attributes, "parameter query.attributes")
    }
  }

  private static func limit(_ number: Int64?, _ name: String, _ maximum: Int) throws(JaegerFault) -> Int {
    guard let number else { return min(defaultLimit, maximum) }
    guard number >= 1, number <= maximum else {
      throw JaegerFault(400, "invalid parameter: \(name) must be from 1 to \(maximum)")
    }
    return Int(number)
  }

  /// - Parameters: `nil` or 0 is no bound.
  private static func durations(_ shortest: Int64?, _ longest: Int64?) throws(JaegerFault) -> ClosedRange<UInt64> {
    let lower = UInt64(max(0, shortest ?? 0))
    guard let longest, longest != 0 else { return lower...UInt64.max }
    guard longest > 0, UInt64(longest) >= lower else {
      throw JaegerFault(400, "'maxDuration' should be greater than 'minDuration'")
    }
    return lower...UInt64(longest)
  }
}
