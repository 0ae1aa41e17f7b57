import Arguments
import Configuration
import SQLiteStore
import TraceStore

/// What commands that read the database share: finding it, and telling what went wrong.
enum QueryCommand {
  /// An argument that makes no sense.
  struct Misuse: Error {
    var message: String
  }

  /// Reads what is asked for, opens the database of the data folder, and runs the query.
  static func run<Request>(
    _ arguments: ParsedArguments, _ read: () throws(Misuse) -> Request,
    query: (ReaderPool, Request) async throws -> Void
  ) async -> Int32 {
    await reportingFailures(arguments) {
      // Before the database is looked for: a mistake in the arguments is the nearer one.
      let request = try read()
      let configuration = try ConfigurationLoader.load(
        arguments: arguments, environment: ProcessEnvironment.variables(), scope: .reading
      ).values
      let path = DataFolder.databasePath(in: configuration.data.directory)
      let reader = try ReaderPool(readingDatabaseAt: path)
      do {
        try await query(reader, request)
      } catch let error as StoreError where error.code != .deadline && error.code != .refused && error.code != .gone {
        throw error.naming(path)
      }
      return ExitStatus.success
    }
  }

  /// Runs the body of a command, and tells what went wrong.
  ///
  /// - Returns: The body's status, or that of its failure.
  static func reportingFailures(_ arguments: ParsedArguments, _ body: () async throws -> Int32) async -> Int32 {
    do {
      return try await body()
    } catch let error as ConfigurationError {
      StandardError.write("fulgurite: the configuration is wrong:\n\(error)\n")
      return ExitStatus.configuration
    } catch let misuse as Misuse {
      let command = arguments.command.joined(separator: " ")
      StandardError.write("fulgurite: \(misuse.message); see 'fulgurite \(command) --help'\n")
      return ExitStatus.usage
    } catch let error as StoreError {
      StandardError.write("fulgurite: \(error.message)\n")
    } catch {
      StandardError.write("fulgurite: \(error)\n")
    }
    return ExitStatus.failure
  }

  /// The format that was asked for.
  static func format(_ arguments: ParsedArguments, of formats: [String]) throws(Misuse) -> String {
    let format = arguments.value(of: "--format") ?? "table"
    guard formats.contains(format) else {
      throw Misuse(message: "--format is one of \(formats.joined(separator: ", "))")
    }
    return format
  }

  /// The number of results that was asked for.
  static func limit(_ arguments: ParsedArguments) throws(Misuse) -> Int? {
    guard let text = arguments.value(of: "--limit") else { return nil }
    guard let limit = Int(text), limit > 0 else {
      throw Misuse(message: "--limit is a whole number of at least 1")
    }
    return limit
  }
}
