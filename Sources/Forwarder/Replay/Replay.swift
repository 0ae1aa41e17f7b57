package import TraceStore
package import Transport

/// Sends a range of stored spans to a target once, by hand.
///
/// Segments can be in any order, and a server can rewrite them meanwhile: those that are new at the end are looked
/// through again. A span that was moved can so be sent twice, and none is left out.
package struct Replay: Sendable {
  /// What has been done so far.
  package struct Summary: Sendable {
    package var sent: Int64 = 0
    package var refused: Int64 = 0
    package var segments = 0
    package var allSegments = 0
    /// What the target said when it refused spans.
    package var refusals: [String] = []

    package init() {}
  }

  /// Why it was given up.
  package struct Failure: Error, CustomStringConvertible {
    package let description: String
  }

  /// Reasons of refusals that are remembered.
  private static let mostRefusals = 5
  /// Spans in a row that are refused one by one before the target is given up.
  private static let patience = 100

  private let target: ForwardTarget
  private let reader: any ForwardReader
  private let client: ExportClient
  private let loop: EventLoop
  private let retries: Int
  private let progress: @Sendable (Summary) -> Void

  /// - Parameters:
  ///   - retries: How often a target that does not answer is tried again.
  ///   - progress: Called after each request.
  package init(
    _ target: ForwardTarget, reader: any ForwardReader, client: ExportClient, loop: EventLoop, retries: Int,
    progress: @escaping @Sendable (Summary) -> Void
  ) {
    self.target = target
    self.reader = reader
    self.client = client
    self.loop = loop
    self.retries = retries
    self.progress = progress
  }

  /// Sends the spans of these arrivals.
  ///
  /// - Throws: `StoreError`, or ``Failure`` when the target takes nothing.
  package func run(_ arrivals: ClosedRange<Int64>) async throws -> Summary {
    var state = State()
    var newest: Int64 = 0
    while true {
      let after = newest
      let segments = try await reader.readLog { session throws(StoreError) in
        try session.segments(of: arrivals, after: after)
      }
      guard let last = segments.max() else { return state.summary }
      newest = last
      state.summary.allSegments += segments.count
      try await send(segments, arrivals, &state)
    }
  }

  private struct State {
    var summary = Summary()
    var refusedInARow = 0
  }

  private func send(_ segments: [Int64], _ arrivals: ClosedRange<Int64>, _ state: inout State) async throws {
    var next = 0
    while next < segments.count {
      let (start, filter, bytes) = (next, target.filter, target.batchBytes)
      let page = try await reader.readLog { session throws(StoreError) in
        try session.page(ofSegments: segments[start...], in: arrivals, keptBytes: bytes) { filter.wants($0) }
      }
      guard page.damagedSegments.isEmpty else {
        throw Failure(description: "segment \(page.damagedSegments[0]) of the store is damaged")
      }
      try await send(page, &state)
      next = Int(page.end)
      state.summary.segments += next - start
      progress(state.summary)
    }
  }

  private func send(_ page: ForwardPage, _ state: inout State) async throws {
    let encoder = BatchEncoder(page, addsRollout: target.addsRollout)
    var plan = DeliveryPlan(encoder.costs())
    while let range = plan.next(.init(spans: target.batchSpans, bytes: target.batchBytes)) {
      switch try await export(RequestBody.make(encoder.message(range), target)) {
      case .accepted(let rejected, let message):
        state.refusedInARow = 0
        state.summary.sent += Int64(range.count) - min(rejected, Int64(range.count))
        if rejected > 0 { refuse(rejected, message, &state) }
        plan.finish(range)
      case .refused(let fault) where range.count > 1, .failing(let fault) where range.count > 1:
        _ = fault
        plan.split(range)
      case .refused(let fault), .failing(let fault):
        refuse(1, fault.message, &state)
        state.refusedInARow += 1
        guard state.refusedInARow < Self.patience else {
          throw Failure(description: "the target refuses everything: \(fault.message)")
        }
        plan.finish(range)
      case .unavailable(let fault), .misconfigured(let fault): throw Failure(description: fault.message)
      }
      progress(state.summary)
    }
  }

  private func refuse(_ count: Int64, _ message: String, _ state: inout State) {
    state.summary.refused += count
    if state.summary.refusals.count < Self.mostRefusals { state.summary.refusals.append(message) }
  }

  /// Sends a body, again when the target does not answer.
  private func export(_ body: [UInt8]) async throws -> ExportVerdict {
    var backOff = BackOff(target.backOff)
    var left = retries
    while true {
      let verdict = await client.export(body)
      guard case .unavailable(let fault) = verdict, left > 0 else { return verdict }
      left -= 1
      try await loop.sleep(for: backOff.next(requested: fault.retryAfter, random: .random(in: 0..<1)))
    }
  }
}
