import Threads

/// The calls that are in progress, in all and by key.
final class Admissions: Sendable {
  private struct Calls {
    var all = 0
    var byKey: [String: Int] = [:]
  }

  private let calls = Locked(Calls())
  private let maximum: Int
  private let maximumPerKey: Int

  /// - Parameter maximumPerKey: 0 = as many as there may be.
  init(maximum: Int, maximumPerKey: Int) {
    self.maximum = maximum
    self.maximumPerKey = maximumPerKey
  }

  /// Calls in progress.
  var count: Int { calls.withLock { $0.all } }

  /// Lets a call in.
  ///
  /// - Parameter key: What is counted together; `nil` for callers without a key.
  /// - Returns: `nil` when there are too many.
  func admit(key: String?) -> Admission? {
    let key = maximumPerKey > 0 ? key : nil
    let isAdmitted = calls.withLock { calls in
      guard calls.all < maximum else { return false }
      if let key {
        guard calls.byKey[key, default: 0] < maximumPerKey else { return false }
        calls.byKey[key, default: 0] += 1
      }
      calls.all += 1
      return true
    }
    return isAdmitted ? Admission(self, key: key) : nil
  }

  fileprivate func leave(key: String?) {
    calls.withLock { calls in
      calls.all -= 1
      guard let key else { return }
      let count = calls.byKey[key, default: 1] - 1
      calls.byKey[key] = count == 0 ? nil : count
    }
  }
}

/// The place of one call, until the last reference is gone.
final class Admission: Sendable {
  private let admissions: Admissions
  private let key: String?

  fileprivate init(_ admissions: Admissions, key: String?) {
    self.admissions = admissions
    self.key = key
  }

  deinit { admissions.leave(key: key) }
}
