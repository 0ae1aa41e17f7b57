import Arguments
import Configuration
import Glibc
import JSON
import SQLiteStore
import TraceStore

/// The command `fulgurite retention`: says what would be deleted now.
enum RetentionCommand {
  private static let mostRows = 40

  static func run(_ arguments: ParsedArguments) async -> Int32 {
    await QueryCommand.reportingFailures(arguments) {
      guard arguments.contains("--dry-run") else {
        throw QueryCommand.Misuse(
          message: "the server deletes by itself; --dry-run says what would go, and changes nothing")
      }
      let format = try QueryCommand.format(arguments, of: ["table", "json"])
      let configuration = try ConfigurationLoader.load(
        arguments: arguments, environment: ProcessEnvironment.variables(), scope: .reading
      ).values
      let path = DataFolder.databasePath(in: configuration.data.directory)
      // Says what is wrong with a folder that has no database of ours.
      try ReaderPool(readingDatabaseAt: path).close()
      let preview = try RetentionPreview.make(
        databaseAt: path, policy: RetentionPolicy(configuration), now: WallClock.nanosecondsSince1970(),
        walBytes: size(of: path + "-wal"))
      StandardOutput.write(format == "json" ? json(preview) : table(preview))
      return ExitStatus.success
    }
  }

  private static func size(of path: String) -> Int64 {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? Int64(status.st_size) : 0
  }

  private static func table(_ preview: RetentionPreview) -> String {
    var text = ""
    if !preview.rollouts.isEmpty {
      let rows = preview.rollouts.prefix(mostRows).map { rollout in
        [
          rollout.id, rollout.reason.rawValue, String(rollout.spans), ByteText.text(rollout.bytes),
          UTCTime.text(UInt64(clamping: rollout.lastActivity)),
        ]
      }
      text += TextTable.render(["ROLLOUT", "BEYOND", "SPANS", "BYTES", "LAST ACTIVE"], rows, flexible: 0)
      if preview.rollouts.count > mostRows { text += "and \(preview.rollouts.count - mostRows) more\n" }
      text += "\n"
    }
    let spans = RetentionTally.Reason.allCases.compactMap { reason in
      preview.spans[reason].map { "\($0) by \(reason.rawValue)" }
    }
    text += """
      would be deleted: \(preview.rollouts.count) rollouts, \(preview.traces) traces without a rollout
      spans: \(spans.isEmpty ? "none" : spans.joined(separator: ", "))
      bytes that would return to the disk, roughly: \(ByteText.text(preview.bytes)) of \(ByteText.text(preview.databaseBytes))

      """
    return text
  }

  private static func json(_ preview: RetentionPreview) -> String {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("rollouts")
    writer.beginArray()
    for rollout in preview.rollouts {
      writer.beginObject()
      writer.key("rolloutId")
      writer.string(rollout.id)
      writer.key("beyond")
      writer.string(rollout.reason.rawValue)
      writer.key("spans")
      writer.integer(rollout.spans)
      writer.key("bytes")
      writer.integer(rollout.bytes)
      writer.key("lastActivityUnixNano")
      writer.integerString(rollout.lastActivity)
      writer.endObject()
    }
    writer.endArray()
    writer.key("tracesWithoutRollout")
    writer.integer(Int64(preview.traces))
    writer.key("spans")
    writer.beginObject()
    for reason in RetentionTally.Reason.allCases {
      writer.key(reason.rawValue)
      writer.integer(preview.spans[reason] ?? 0)
    }
    writer.endObject()
    writer.key("bytes")
    writer.integer(preview.bytes)
    writer.key("databaseBytes")
    writer.integer(preview.databaseBytes)
    writer.key("usedBytes")
    writer.integer(preview.usedBytes)
    writer.endObject()
    return String(decoding: writer.bytes, as: UTF8.self) + "\n"
  }
}

/// Bytes for people.
private enum ByteText {
  static func text(_ bytes: Int64) -> String {
    var value = Double(bytes)
    for unit in ["B", "KiB", "MiB", "GiB"] {
      if value < 1_024 { return unit == "B" ? "\(bytes) B" : "\(decimal(value)) \(unit)" }
      value /= 1_024
    }
    return "\(decimal(value)) TiB"
  }

  private static func decimal(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }
}
