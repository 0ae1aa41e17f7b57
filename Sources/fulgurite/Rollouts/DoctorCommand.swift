import Arguments
import JSON
import QueryAPI
import SQLiteStore
import TraceStore

/// The command `fulgurite doctor`: says why a rollout is as it is.
enum DoctorCommand {
  private struct Request {
    var rollout: String
    var format: String
  }

  static func run(_ arguments: ParsedArguments) async -> Int32 {
    await QueryCommand.run(arguments) { () throws(QueryCommand.Misuse) in
      guard let rollout = arguments.value(of: "--rollout"), !rollout.isEmpty else {
        throw QueryCommand.Misuse(message: "--rollout says which rollout to look at")
      }
      return Request(rollout: rollout, format: try QueryCommand.format(arguments, of: ["table", "json"]))
    } query: { reader, request in
      let now = WallClock.nanosecondsSince1970()
      let diagnosis = try await reader.read { session throws(StoreError) in
        // What was refused is in the memory of the server, and not in the data folder.
        try RolloutExaminer.examine(request.rollout, session, now: now, refusals: nil)
      }
      StandardOutput.write(request.format == "json" ? json(diagnosis) : DoctorReport.text(diagnosis))
    }
  }

  private static func json(_ diagnosis: RolloutDiagnosis) -> String {
    var writer = JSONWriter()
    DiagnosisText.write(diagnosis, to: &writer)
    return String(decoding: writer.bytes, as: UTF8.self) + "\n"
  }
}
