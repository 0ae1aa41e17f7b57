import Foundation
import SQLite
import SeededRandom
import Testing

@testable import SQLiteStore

@Suite struct `Registrations of sessions` {
  /// A session as plainly as it can be said.
  private struct Model {
    var registrations: [UInt64: (id: Int64, to: UInt64?)] = [:]

    func holding(_ time: UInt64) -> Int64? {
      let holding = registrations.filter { $0.key <= time && ($0.value.to.map { time < $0 } ?? true) }
      return holding.max { $0.key < $1.key }?.value.id
    }
  }

  private static func withTable<Result>(_ body: (inout SessionTable) throws -> Result) throws -> Result {
    let folder = try TemporaryFolder()
    let connection = try Connection(path: folder.database.path)
    try Schema.migrate(connection, path: folder.database.path)
    try connection.execute("PRAGMA synchronous = OFF; BEGIN")
    var table = try SessionTable(connection)
    return try body(&table)
  }

  @Test(arguments: 1...12 as ClosedRange<UInt64>)
  func `the latest start that holds a time is found among many that were registered, replaced and deleted`(
    seed: UInt64
  ) throws {
    var random = SplitMix64(seed: seed)
    // Below, across and above the largest number that has a sign.
    let first = ([0, 1 << 63 - 1_000, 1 << 63, .max - 1_999] as [UInt64])[Int(seed % 4)]
    // Of 1,000 that are registered, how many have no end.
    let open = [0, 1, 40].randomElement(using: &random)!
    var models: [Int64: Model] = [1: Model(), 2: Model()]
    try Self.withTable { table in
      for _ in 0..<6_000 {
        let session = Int64.random(in: 1...2, using: &random)
        let time = first + UInt64.random(in: 0..<2_000, using: &random)
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<50:
          let length = UInt64.random(in: 0...(Bool.random(using: &random) ? 3 : 40), using: &random)
          let isOpen = Int.random(in: 0..<1_000, using: &random) < open
          let to = isOpen ? nil : time.addingReportingOverflow(length).overflow ? .max : time + length
          let entry = try table.register(session: session, from: time, to: to, attempt: 7, now: 8).entry
          models[session]?.registrations[time] = (entry.id, to)
        case 50..<60:
          guard let start = models[session]?.registrations.keys.sorted().randomElement(using: &random) else { continue }
          let id = models[session]?.registrations.removeValue(forKey: start)?.id
          #expect(try table.remove(id ?? 0) == session)
        default:
          let found = try table.registration(of: session, holding: time)?.id
          #expect(found == models[session]?.holding(time), "\(time) of \(session)")
        }
      }
    }
  }

  @Test func `a registration is forgotten when it is deleted, and found when it is made again`() throws {
    try Self.withTable { table in
      for from in 0..<1_000 as Range<UInt64> {
        _ = try table.register(session: 1, from: 10 * from, to: 10 * from + 5, attempt: 7, now: 8)
      }
      #expect(try table.registration(of: 1, holding: 9_999) == nil)
      let first = try table.register(session: 1, from: 0, to: nil, attempt: 7, now: 8).entry.id
      #expect(try table.registration(of: 1, holding: 9_999)?.id == first)
      #expect(try table.registration(of: 1, holding: 9_994)?.id == first + 999)
      #expect(try table.remove(first) == 1)
      #expect(try table.registration(of: 1, holding: 9_999) == nil)
      #expect(try table.registration(of: 1, holding: 3) == nil)
    }
  }
}
