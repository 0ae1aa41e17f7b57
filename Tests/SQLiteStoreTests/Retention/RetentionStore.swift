import Foundation
import SQLite
import Synchronization
import Telemetry
import Testing
import TraceStore

@testable import SQLiteStore

/// A wall clock that tests set, by which the time that passes goes too.
final class SetTime: Sendable {
  static let day: Int64 = 86_400_000_000_000
  private let wall: Atomic<Int64>
  private let passed: Atomic<Int64>

  init(_ start: Int64 = 1_700_000_000_000_000_000) {
    wall = Atomic(start)
    passed = Atomic(0)
  }

  var now: Int64 { wall.load(ordering: .relaxed) }

  /// Lets time pass.
  func pass(_ nanoseconds: Int64) {
    wall.add(nanoseconds, ordering: .relaxed)
    passed.add(nanoseconds, ordering: .relaxed)
  }

  /// Sets the wall clock, while no time passes.
  func jump(_ nanoseconds: Int64) { wall.add(nanoseconds, ordering: .relaxed) }

  /// Options of a store that goes by this clock, and makes a pass when it is asked for one.
  func options(_ policy: RetentionPolicy) -> SQLiteStoreOptions {
    var options = SQLiteStoreOptions()
    var policy = policy
    policy.interval = .seconds(100_000)
    options.retention = policy
    options.durability = .process
    options.now = { self.now }
    options.uptime = { .nanoseconds(self.passed.load(ordering: .relaxed)) }
    return options
  }
}

extension RetentionPolicy {
  init(_ change: (inout RetentionPolicy) -> Void) {
    self.init()
    packAfter = nil
    change(&self)
  }
}

extension TemporaryFolder {
  /// Compares what the tables of a store say of each other.
  ///
  /// To be called while no server writes.
  func checkConsistency(_ sourceLocation: SourceLocation = #_sourceLocation) throws {
    let connection = try Connection(path: database.path)
    let checks = [
      "the file": ("PRAGMA integrity_check", "ok"),
      "segments and their extents": (
        """
        SELECT count(*) FROM (SELECT id FROM segments EXCEPT SELECT segment FROM segment_extents
          UNION ALL SELECT segment FROM (SELECT segment FROM segment_extents EXCEPT SELECT id FROM segments))
        """, "0"
      ),
      "spans that are left of segments": (
        """
        SELECT count(*) FROM segment_extents
        WHERE spans - gone != (SELECT count(*) FROM spans WHERE spans.segment = segment_extents.segment) OR gone >= spans
        """, "0"
      ),
      "spans without bytes": (
        """
        SELECT count(*) FROM spans WHERE segment NOT IN (SELECT id FROM segments)
          AND segment NOT IN (SELECT segment FROM segment_parts)
        """, "0"
      ),
      "traces": (
        "SELECT count(*) FROM (SELECT id FROM traces EXCEPT SELECT trace FROM spans)", "0"
      ),
      "spans without traces": (
        "SELECT count(*) FROM (SELECT trace FROM spans EXCEPT SELECT id FROM traces)", "0"
      ),
      "traces of attempts": (
        """
        SELECT count(*) FROM rollout_traces JOIN attempts ON attempts.id = attempt
        WHERE attempts.rollout >= 0 AND rollout_traces.spans != (SELECT count(*) FROM spans
          WHERE spans.trace = rollout_traces.trace AND spans.attempt = rollout_traces.attempt)
        """, "0"
      ),
      "spans of attempts": (
        """
        SELECT count(*) FROM attempts WHERE rollout >= 0
          AND spans != (SELECT count(*) FROM spans WHERE spans.attempt = attempts.id)
        """, "0"
      ),
      "spans of no attempt": (
        "SELECT count(*) FROM spans WHERE attempt NOT IN (SELECT id FROM attempts)", "0"
      ),
      "the number of spans": ("SELECT (SELECT spans FROM counters) = (SELECT count(*) FROM spans)", "1"),
      "the number of traces": (
        "SELECT (SELECT last_trace - gone_traces FROM counters) = (SELECT count(*) FROM traces)", "1"
      ),
      "notes of spans": (
        """
        SELECT (SELECT count(*) FROM span_sessions WHERE trace NOT IN (SELECT id FROM traces))
          + (SELECT count(*) FROM span_links WHERE trace NOT IN (SELECT id FROM traces))
          + (SELECT count(*) FROM span_variants WHERE trace NOT IN (SELECT id FROM traces))
        """, "0"
      ),
      "documents": (
        """
        SELECT (SELECT count(*) FROM rollout_documents WHERE rollout NOT IN (SELECT id FROM rollouts))
          + (SELECT count(*) FROM client_spans WHERE attempt NOT IN (SELECT id FROM attempts))
          + (SELECT count(*) FROM bindings WHERE attempt NOT IN (SELECT id FROM attempts))
        """, "0"
      ),
    ]
    for (name, (sql, expected)) in checks {
      let found = try connection.text(sql)
      #expect(found == expected, "\(name)", sourceLocation: sourceLocation)
    }
  }
}
