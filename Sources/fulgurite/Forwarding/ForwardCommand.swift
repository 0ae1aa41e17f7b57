import Arguments
import Configuration
import Forwarder
import SQLiteStore
import TraceStore
import Transport

/// The command `fulgurite forward`: sends a range of stored spans to a target once.
enum ForwardCommand {
  /// The flags beside those of the configuration.
  static let flags = [
    Flag("--from", value: "ID", "the arrival number of the first span; 1 is the oldest"),
    Flag("--until", value: "ID", "the arrival number of the last span; the newest is the default"),
    Flag("--to", value: "URL", "the address of the receiver, or the name of a target of the configuration"),
    Flag("--protocol", value: "PROTOCOL", "grpc or http; by default grpc for port 4317, else http"),
    Flag("--header", value: "NAME=VALUE", "a header of each request; secrets belong into a file", isRepeatable: true),
    Flag("--headers-file", value: "FILE", "a file with a header on each line, as NAME: VALUE"),
    Flag("--ca-file", value: "FILE", "a PEM file of the certificate authorities that are trusted"),
    Flag("--compression", value: "CODING", "gzip (the default) or none"),
    Flag("--service", value: "NAME", "only spans of this service", isRepeatable: true),
    Flag("--rollout", value: "ID", "only spans of this rollout", isRepeatable: true),
    Flag("--errors-only", "only spans with the status of an error"),
    Flag("--add-rollout", "have spans say which rollout they belong to"),
    Flag("--retries", value: "COUNT", "how often a receiver that does not answer is tried again; 5 is the default"),
  ]

  static func run(_ arguments: ParsedArguments) async -> Int32 {
    await QueryCommand.reportingFailures(arguments) {
      let request = try ForwardRequest(arguments)
      let reader = try ReaderPool(readingDatabaseAt: DataFolder.databasePath(in: request.dataFolder))
      return try await send(request, reader)
    }
  }

  private static func send(_ request: ForwardRequest, _ reader: ReaderPool) async throws -> Int32 {
    let last = try await reader.readLog { session throws(StoreError) in try session.lastArrival() }
    let until = min(request.until ?? last, last)
    guard request.from <= until else {
      StandardError.write("nothing to send: the last span has the arrival number \(last)\n")
      return ExitStatus.success
    }
    let loops = try EventLoopGroup(count: 1)
    let client = try await HTTPClient(group: loops)
    let target = request.target
    StandardError.write("sending spans \(request.from) to \(until) to \(target.url)\n")
    let replay = Replay(
      target, reader: reader,
      client: ExportClient(
        target, client: client, version: ProgramVersion.text, now: WallClock.nanosecondsSince1970),
      loop: loops.loops[0], retries: request.retries, progress: progress())
    let range = request.from...until
    let summary = try await Task(executorPreference: loops.loops[0]) { try await replay.run(range) }.value
    let refusals = summary.refusals.map { "refused: \($0)\n" }.joined()
    StandardError.write(refusals)
    StandardOutput.write("sent \(summary.sent), refused \(summary.refused)\n")
    return summary.refused == 0 ? ExitStatus.success : ExitStatus.failure
  }

  /// Prints now and then how far it has got.
  private static func progress() -> @Sendable (Replay.Summary) -> Void {
    let printed = LastPrint()
    return { summary in
      guard printed.isDue() else { return }
      StandardError.write(
        "sent \(summary.sent), refused \(summary.refused), segment \(summary.segments) of \(summary.allSegments)\n")
    }
  }
}
