package import Telemetry

/// Finds traces by what their spans say; a part of every `ReadSession`.
///
/// Names of services are those of the resources; `nil` stands for spans whose resource names none.
package protocol SearchSession {
  /// Lists the services that have sent spans; a name stays when the spans are gone.
  func services() throws(StoreError) -> ServiceList

  /// Lists the names and kinds of the spans of a service, in the order of their names; they stay when the spans are gone.
  ///
  /// Only names that the index has numbered are listed: the first few thousand that the store has seen.
  func operations(ofService service: String?) throws(StoreError) -> [Operation]

  /// Whether any span can be of one of these services and have this name; for a search that need not begin.
  ///
  /// - Parameters:
  ///   - services: `nil` = any.
  ///   - operation: `nil` = any.
  func canFind(services: [String?]?, operation: String?) throws(StoreError) -> Bool

  /// Looks through the next part of the log for spans that a filter wants.
  ///
  /// - Parameter bytes: How much to look through, about.
  func scan<Filter: SpanFilter>(_ scan: inout LogScan, upTo bytes: Int, _ filter: inout Filter) throws(StoreError)

  /// The rollouts that have an attempt of this name; `nil` when spans without a rollout name it too.
  func rollouts(withAttempt id: String) throws(StoreError) -> [String]?

  /// What there is to say of a trace as a whole; `nil` when it has no spans.
  func summary(of traceID: TraceID) throws(StoreError) -> TraceSummary?

  /// Counts the calls between services in the next part of the traces.
  func countCalls(_ scan: inout CallScan) throws(StoreError)
}

/// The names of services.
package struct ServiceList: Sendable {
  package var names: [String]
  /// Whether there are spans whose resource has no name of a service.
  package var hasUnnamed: Bool

  package init(names: [String], hasUnnamed: Bool) {
    self.names = names
    self.hasUnnamed = hasUnnamed
  }
}

/// What spans of a service are called, and of which kind they are.
package struct Operation: Hashable, Sendable {
  package var name: String
  /// `SpanKind`; numbers that the specification does not know are 0.
  package var kind: Int32

  package init(name: String, kind: Int32) {
    self.name = name
    self.kind = kind
  }
}
