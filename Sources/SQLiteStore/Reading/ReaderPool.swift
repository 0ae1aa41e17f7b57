import SQLite
import Threads
package import TraceStore

/// Threads that read, each with a connection of its own.
package final class ReaderPool: SpanReader {
  private typealias Job = @Sendable (Result<SQLiteReadSession, StoreError>) -> Void

  private struct State {
    var jobs: [Job] = []
    var isClosing = false
    var runningThreads = 0
  }

  /// Queries that may wait for a thread; more are refused with `overloaded`.
  private static let maximumWaiting = 32_768

  private let state = Monitor(State())
  private let path: String
  private let access: Connection.Access
  private let options: SQLiteStoreOptions
  private let recent: RecentTraces?
  private let status: StoreStatus?
  private let interruption = Interruption()

  /// - Parameters:
  ///   - threads: How many threads read; `nil` = as many as the options say.
  ///   - name: What the threads are called.
  init(
    path: String, access: Connection.Access = .existing, options: SQLiteStoreOptions, recent: RecentTraces?,
    status: StoreStatus?, threads: Int? = nil, name: String = "reader"
  ) {
    self.path = path
    self.access = access
    self.options = options
    self.recent = recent
    self.status = status
    for number in 1...max(1, threads ?? options.readers) {
      state.withLock { $0.runningThreads += 1 }
      Thread(name: "\(name)-\(number)") { [self] in run() }.detach()
    }
  }

  /// Reads a database that no server need have open, for the command line.
  ///
  /// - Throws: When the folder holds no database of ours; the message names the file.
  package convenience init(readingDatabaseAt path: String) throws(StoreError) {
    let access = Connection.Access.reading(path)
    do throws(SQLiteError) {
      let connection = try Connection(path: path, access: access)
      let application = try connection.integer("PRAGMA application_id")
      let version = try connection.integer("PRAGMA user_version") ?? 0
      guard application == Schema.applicationID else {
        throw SQLiteError(code: .notADatabase, operation: "open", message: "\(path) is no fulgurite database")
      }
      guard version <= Schema.version else {
        throw SQLiteError(code: .notADatabase, operation: "open", message: "\(path) is of a newer fulgurite")
      }
      guard version == Schema.version else {
        let message = "\(path) is of an older fulgurite: a start of the server brings it up to date"
        throw SQLiteError(code: .notADatabase, operation: "open", message: message)
      }
    } catch {
      throw StoreError(reading: path, error)
    }
    self.init(path: path, access: access, options: SQLiteStoreOptions(), recent: nil, status: nil)
  }

  package func submit(_ body: @escaping @Sendable (Result<any ReadSession, StoreError>) -> Void) {
    submitSession { body($0.map { session in session }) }
  }

  func submitSession(_ body: @escaping @Sendable (Result<SQLiteReadSession, StoreError>) -> Void) {
    var refusal: StoreError?
    state.updateForOne { state in
      if state.isClosing {
        refusal = .closing
      } else if state.jobs.count >= Self.maximumWaiting {
        refusal = StoreError(.overloaded, "too many queries are waiting")
      } else {
        state.jobs.append(body)
        return true
      }
      return false
    }
    if let refusal { body(.failure(refusal)) }
  }

  private func run() {
    var session: SQLiteReadSession?
    var generation = status?.connectionGeneration ?? 0
    while let job = nextJob() {
      let current = status?.connectionGeneration ?? 0
      if generation != current || session?.isBroken == true { session = nil }
      generation = current
      run(job, &session)
    }
    session = nil
    state.update { state in
      state.runningThreads -= 1
      return true
    }
  }

  private func nextJob() -> Job? {
    state.wait(until: { !$0.jobs.isEmpty || $0.isClosing }) { state in
      state.jobs.isEmpty ? nil : state.jobs.removeFirst()
    }
  }

  private func run(_ job: Job, _ session: inout SQLiteReadSession?) {
    guard !interruption.isRequested else { return job(.failure(.closing)) }
    do {
      let open =
        try session
        ?? SQLiteReadSession(
          path: path, access: access, options, recent: recent, interruption: interruption)
      session = open
      try open.snapshot { job(.success($0)) }
    } catch let error as StoreError {
      job(.failure(error))
    } catch let error as SQLiteError {
      job(.failure(StoreError(error)))
    } catch {
      job(.failure(StoreError(.inputOutput, "\(error)")))
    }
  }

  /// Queries that wait for a thread.
  var waitingQueries: Int { state.withLock { $0.jobs.count } }

  /// Ends the queries that run and those that wait with `closing`, and ends the threads.
  ///
  /// Whoever still wants an answer closes later: a server has cut its last connection by then.
  package func close() {
    interruption.request()
    state.update { state in
      state.isClosing = true
      return true
    }
    state.wait(until: { $0.runningThreads == 0 }, { _ in })
  }
}

extension StoreError {
  /// The same error for somebody who has called for a file: which one it is, and what can be done.
  package func naming(_ path: String) -> StoreError {
    guard !message.contains(path) else { return self }
    let advice =
      switch code {
      case .corrupt: "the file is damaged or no database; restore a backup, or save what is readable with .recover"
      case .readOnly: "copy the folder with all its files to where it can be written, and read it there"
      case .locked: "another program holds the database; try again when it is done"
      default: "look at the disk and at who may read the file"
      }
    return StoreError(code, "cannot read \(path): \(message); \(advice)")
  }

  static var closing: StoreError { StoreError(.closing, "the store is closing") }
}
