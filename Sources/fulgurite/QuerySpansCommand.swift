import Arguments
import QueryAPI
import SQLiteStore
import TraceStore

/// The command `fulgurite query spans`.
enum QuerySpansCommand {
  static func run(_ arguments: ParsedArguments) async -> Int32 {
    await QueryCommand.run(arguments) { () throws(QueryCommand.Misuse) in
      (try QueryCommand.format(arguments, of: ["table", "json", "otlp"]), try query(arguments))
    } query: { reader, request in
      let (format, query) = request
      switch format {
      case "otlp": try await print(query, reader) { _ in TraceRenderer(nextCursor: nil, lastArrival: nil) }
      case "json": try await print(query, reader) { _ in SpanLineRenderer() }
      default: try await printTable(query, reader)
      }
    }
  }

  private static func query(_ arguments: ParsedArguments) throws(QueryCommand.Misuse) -> SpanQuery {
    guard let rollout = arguments.value(of: "--rollout") else {
      throw QueryCommand.Misuse(message: "--rollout ID is needed")
    }
    let attempt: SpanQuery.Attempt =
      switch arguments.value(of: "--attempt") {
      case nil: .any
      case "latest": .latest
      case let id?: .id(id)
      }
    var query = SpanQuery(.rollout(rollout, attempt: attempt))
    if let name = arguments.value(of: "--name") { query.conditions = [.init(.name, .equals, name)] }
    query.limit = try QueryCommand.limit(arguments)
    return query
  }

  private static func print<Renderer: SpanRenderer>(
    _ query: SpanQuery, _ reader: ReaderPool, _ renderer: @escaping @Sendable (SpanSelection) -> Renderer
  ) async throws {
    try await reader.read { session throws(StoreError) in
      let selection = try session.select(query)
      var pieces = SpanPieces(selection.rows, of: query, renderer(selection))
      repeat { StandardOutput.write(try pieces.next(session)) } while !pieces.isFinished && !StandardOutput.isLost
    }
    if Renderer.self == TraceRenderer.self { StandardOutput.write("\n") }
  }

  private static func printTable(_ query: SpanQuery, _ reader: ReaderPool) async throws {
    let rows = try await reader.read { session throws(StoreError) in try session.select(query).rows }
    StandardOutput.write(SpanTable.render(rows))
    guard rows.isEmpty, case .rollout(let id, _) = query.place else { return }
    StandardError.write(
      "no spans found; 'fulgurite doctor --rollout \(TextTable.printable(id))' says what there is, "
        + "'fulgurite query rollouts' lists rollouts with spans\n")
  }
}
