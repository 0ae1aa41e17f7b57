import Telemetry

extension SpanQuery {
  /// Puts rows into the order of the query.
  ///
  /// Times that are unknown count as later than all others, other values that are absent as the smallest, and equal
  /// rows keep the order of their arrival in both directions, as AGL's store does it; so do, if the query says so, the
  /// spans of a later attempt before those of an earlier one.
  package func sort(_ rows: inout [SpanRow]) {
    if let key = numberKey { return sort(&rows, by: key) }
    rows.sort { first, second in
      switch Self.compare(first, second, sortKey) {
      case 0: (tie(first), first.arrival) < (tie(second), second.arrival)
      case let order: isDescending ? order > 0 : order < 0
      }
    }
  }

  /// Sorts by a number.
  ///
  /// Rows hold references, so small keys are sorted in their place, and every row is moved once.
  private func sort(_ rows: inout [SpanRow], by key: (SpanRow) -> UInt64) {
    let flip: UInt64 = isDescending ? .max : 0
    var keys = rows.indices.map { index in
      (key: key(rows[index]) ^ flip, tie: tie(rows[index]), arrival: rows[index].arrival, index: index)
    }
    keys.sort { ($0.key, $0.tie, $0.arrival) < ($1.key, $1.tie, $1.arrival) }
    rows = keys.map { [rows] in rows[$0.index] }
  }

  /// What goes before the arrival among equal rows.
  private func tie(_ row: SpanRow) -> Int { laterAttemptsFirst ? -row.attempt.rank : 0 }

  /// What the query sorts by, as a number whose order is that of the values; `nil` for text and ids.
  private var numberKey: ((SpanRow) -> UInt64)? {
    // Flipping the sign bit puts negative numbers before the others.
    func ordered(_ number: Int64) -> UInt64 { UInt64(bitPattern: number ^ .min) }
    return switch sortKey {
    case .arrival: laterAttemptsFirst ? { _ in 0 } : { ordered($0.arrival) }
    case .sequence: { ordered($0.sequence ?? 0) }
    case .startTime: { Self.lateIfUnknown($0.startTime) }
    case .endTime: { Self.lateIfUnknown($0.endTime) }
    case .duration: { ordered(Self.duration($0)) }
    case .name, .traceID, .spanID, .parentID, .rolloutID, .attemptID: nil
    }
  }

  private static func compare(_ first: SpanRow, _ second: SpanRow, _ key: SortKey) -> Int {
    switch key {
    // Sorted by their numbers above.
    case .arrival, .sequence, .startTime, .endTime, .duration: 0
    case .name: order(first.name.utf8, second.name.utf8)
    case .traceID: order(first.traceText.utf8, second.traceText.utf8)
    case .spanID: order(first.spanText.utf8, second.spanText.utf8)
    case .parentID: order((first.parentText ?? "").utf8, (second.parentText ?? "").utf8)
    case .rolloutID: order((first.rolloutID ?? "").utf8, (second.rolloutID ?? "").utf8)
    case .attemptID: order((first.attemptID ?? "").utf8, (second.attemptID ?? "").utf8)
    }
  }

  /// The order of the bytes of UTF-8, which is that of the code points.
  private static func order(_ first: String.UTF8View, _ second: String.UTF8View) -> Int {
    first.lexicographicallyPrecedes(second) ? -1 : first.elementsEqual(second) ? 0 : 1
  }

  private static func lateIfUnknown(_ time: UInt64) -> UInt64 { time == 0 ? .max : time }

  /// Nanoseconds; a span without both times counts as the longest.
  private static func duration(_ row: SpanRow) -> Int64 {
    guard row.startTime != 0, row.endTime != 0 else { return .max }
    return Int64(bitPattern: row.endTime &- row.startTime)
  }
}
