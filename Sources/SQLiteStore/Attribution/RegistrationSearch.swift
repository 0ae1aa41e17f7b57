import SQLite

/// Finds the registration of a session that holds a time.
///
/// Mostly that is one of the last that start in time, which the table finds at once. Of a session with many that have ended
/// before, it remembers where to look.
struct RegistrationSearch: ~Copyable {
  /// Registrations that are looked at one by one before those of their session are remembered.
  private static let few = 2 * RegistrationBlocks.size
  /// Blocks and sessions that are remembered: about a megabyte.
  private static let capacity = 32 << 10

  /// Sessions of which it remembers where to look.
  private var remembered: [Int64: RegistrationBlocks] = [:]
  private var rememberedBlocks = 0
  private var latest: Statement
  private var times: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let latest = try connection.prepare(
      """
      SELECT id, attempt, created, start_time, end_time FROM sessions
      WHERE session = ?1 AND start_time BETWEEN ?2 AND ?3 ORDER BY start_time DESC
      """)
    let times = try connection.prepare(
      """
      SELECT start_time, end_time FROM sessions WHERE session = ?1 AND start_time BETWEEN ?2 AND ?3
      ORDER BY start_time
      """)
    self.latest = latest
    self.times = times
  }

  /// The registration with the latest start of those that hold a time.
  mutating func registration(of session: Int64, holding time: UInt64) throws(SQLiteError) -> SessionTable.Entry? {
    if remembered[session] == nil {
      switch try look(in: session, holding: time, startingIn: 0...time, atMost: Self.few) {
      case .found(let entry): return entry
      case .none: return nil
      case .more: try remember(session)
      }
    }
    guard let blocks = remembered[session] else { return nil }
    var end: UInt64?
    while let starts = blocks.starts(mayHolding: time, before: end) {
      if case .found(let entry) = try look(in: session, holding: time, startingIn: starts, atMost: .max) {
        return entry
      }
      end = starts.lowerBound
    }
    return nil
  }

  private enum Look {
    case found(SessionTable.Entry)
    case none
    /// There are more than were to be looked at.
    case more
  }

  /// Looks at registrations one by one, the latest start first.
  private mutating func look(
    in session: Int64, holding time: UInt64, startingIn starts: ClosedRange<UInt64>, atMost most: Int
  ) throws(SQLiteError) -> Look {
    var seen = 0
    for range in Self.stored(starts).reversed() {
      try latest.bind(session, at: 1)
      try latest.bind(range.lowerBound, at: 2)
      try latest.bind(range.upperBound, at: 3)
      defer { latest.reset() }
      while let found = try latest.step({ (row: borrowing Row) in (SessionTable.Entry(row), Self.time(row, at: 3)) }) {
        if found.1.holds(time) { return .found(found.0) }
        seen += 1
        if seen == most { return .more }
      }
    }
    return .none
  }

  private mutating func remember(_ session: Int64) throws(SQLiteError) {
    if remembered.count + rememberedBlocks >= Self.capacity {
      remembered.removeAll()
      rememberedBlocks = 0
    }
    let blocks = RegistrationBlocks(try times(of: session, startingIn: 0...(.max)))
    remembered[session] = blocks
    rememberedBlocks += blocks.count
  }

  /// Notes that a registration is new.
  mutating func didAdd(_ registration: RegistrationBlocks.Time, to session: Int64) throws(SQLiteError) {
    if let starts = remembered[session]?.add(registration) { try look(againAt: starts, of: session) }
  }

  /// Notes that the registration with this start has changed or is gone.
  mutating func didChange(_ start: UInt64, of session: Int64) throws(SQLiteError) {
    if let starts = remembered[session]?.starts(around: start) { try look(againAt: starts, of: session) }
  }

  private mutating func look(againAt starts: ClosedRange<UInt64>, of session: Int64) throws(SQLiteError) {
    let found = try times(of: session, startingIn: starts)
    let count = remembered[session]?.count ?? 0
    remembered[session]?.replace(starts, by: found)
    rememberedBlocks += (remembered[session]?.count ?? 0) - count
  }

  private mutating func times(of session: Int64, startingIn starts: ClosedRange<UInt64>) throws(SQLiteError)
    -> [RegistrationBlocks.Time]
  {
    var found: [RegistrationBlocks.Time] = []
    for range in Self.stored(starts) {
      try times.bind(session, at: 1)
      try times.bind(range.lowerBound, at: 2)
      try times.bind(range.upperBound, at: 3)
      try times.forEach { (row: borrowing Row) in found.append(Self.time(row, at: 0)) }
    }
    return found
  }

  private static func time(_ row: borrowing Row, at column: Int32) -> RegistrationBlocks.Time {
    RegistrationBlocks.Time(
      from: UInt64(bitPattern: row.int(at: column)), to: row.optionalInt(at: column + 1).map { UInt64(bitPattern: $0) })
  }

  /// Times without a sign lie in two ranges of SQLite's integers; the second one comes later.
  private static func stored(_ times: ClosedRange<UInt64>) -> [ClosedRange<Int64>] {
    let (first, last) = (Int64(bitPattern: times.lowerBound), Int64(bitPattern: times.upperBound))
    return first >= 0 && last < 0 ? [first...(.max), .min...last] : [first...last]
  }
}
