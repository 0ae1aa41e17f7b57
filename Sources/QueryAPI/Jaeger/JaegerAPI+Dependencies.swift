import JSON
import Telemetry
import TraceStore
import Transport

/// Which services call which, counted in the index when somebody asks.
extension JaegerAPI {
  private struct Link {
    var parent: String
    var child: String
    var calls: Int64
  }

  /// Pairs of services that are counted; senders can make up any number.
  private static let mostPairs = 100_000

  /// How far a request looks back that does not say: a day.
  private static let lookback: Int64 = 86_400_000

  func dependencies(_ parameters: JaegerParameters) async throws -> HTTPResponse {
    let end = try parameters.time("endTs", unit: 1_000_000) ?? UInt64(max(0, now()))
    let lookback = try parameters.integer("lookback") ?? Self.lookback
    guard lookback >= 0 else { throw JaegerFault.unreadable("lookback", "less than 0") }
    let (nanoseconds, overflow) = UInt64(lookback).multipliedReportingOverflow(by: 1_000_000)
    let start = overflow || nanoseconds > end ? 0 : end - nanoseconds
    let service = parameters.text("service")
    let links = try await links(in: start...end).filter {
      service == nil || $0.parent == service || $0.child == service
    }
    return JaegerAnswer.data { writer in
      Self.write(links, &writer) { calls, writer in writer.integer(calls) }
    }
  }

  func newDependencies(_ parameters: JaegerParameters) async throws -> HTTPResponse {
    guard let start = try parameters.moment("startTime", "start_time") else {
      throw JaegerFault(400, "startTime is required")
    }
    guard let end = try parameters.moment("endTime", "end_time") else { throw JaegerFault(400, "endTime is required") }
    guard start < end else { throw JaegerFault(400, "endTime must be after startTime") }
    let links = try await links(in: start...end)
    return JaegerAnswer.object { writer in
      writer.key("dependencies")
      Self.write(links, &writer) { calls, writer in writer.integerString(calls) }
    }
  }

  private func links(in starts: ClosedRange<UInt64>) async throws -> [Link] {
    let clock = ContinuousClock()
    let deadline = clock.now + options.searchTime
    var scan = CallScan(starts: starts)
    while !scan.isFinished {
      guard clock.now < deadline else { throw StoreError(.deadline, "counting calls took too long") }
      guard scan.counts.count <= Self.mostPairs else {
        throw JaegerFault(501, "more than \(Self.mostPairs) pairs of services call each other")
      }
      let start = scan
      scan = try await reader.read { session throws(StoreError) in
        var scan = start
        try session.countCalls(&scan)
        return scan
      }
    }
    // Two stored names can be shown alike.
    var counts: [ExactText: [ExactText: Int64]] = [:]
    for (call, count) in scan.counts {
      let (parent, child) = (ServiceNames.shown(call.parent), ServiceNames.shown(call.child))
      counts[ExactText(parent), default: [:]][ExactText(child), default: 0] += count
    }
    return counts.flatMap { parent, children in
      children.map { Link(parent: parent.text, child: $0.key.text, calls: $0.value) }
    }.sorted { ($0.parent, $0.child) < ($1.parent, $1.child) }
  }

  private static func write(
    _ links: [Link], _ writer: inout JSONWriter, _ count: (Int64, inout JSONWriter) -> Void
  ) {
    writer.beginArray()
    for link in links {
      writer.beginObject()
      writer.key("parent")
      writer.string(link.parent)
      writer.key("child")
      writer.string(link.child)
      writer.key("callCount")
      count(link.calls, &writer)
      writer.endObject()
    }
    writer.endArray()
  }
}
