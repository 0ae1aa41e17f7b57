import FaultVFS
import SQLiteStore
import Telemetry
import Testing
import TraceStore

/// Brings facts to a store.
struct AttributionRun {
  private enum Outcome: Sendable {
    case done
    case bound(NewBinding, Int64)
    case registered(NewSession, Int64)
  }

  /// The numbers of registrations.
  private var bindings: [NewBinding: Int64] = [:]
  private var sessions: [NewSession: Int64] = [:]

  /// Does actions at the same time.
  ///
  /// - Returns: Those that failed, with the reasons.
  mutating func perform(_ actions: [AttributionAction], _ store: SQLiteStore) async
    -> [(action: AttributionAction, error: any Error)]
  {
    let copy = self
    let outcomes = await withTaskGroup(of: (Int, Result<Outcome, any Error>).self) { group in
      for (index, action) in actions.enumerated() {
        group.addTask {
          do {
            return (index, .success(try await copy.perform(action, store)))
          } catch {
            return (index, .failure(error))
          }
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    var failures: [(action: AttributionAction, error: any Error)] = []
    for (index, outcome) in outcomes.sorted(by: { $0.0 < $1.0 }) {
      switch outcome {
      case .success(.done): break
      case .success(.bound(let binding, let id)): bindings[binding] = id
      case .success(.registered(let session, let id)): sessions[session.place] = id
      case .failure(let error): failures.append((actions[index], error))
      }
    }
    return failures
  }

  private func perform(_ action: AttributionAction, _ store: SQLiteStore) async throws -> Outcome {
    switch action {
    case .append(let spans, let request):
      _ = try await store.append(batch(spans, request))
    case .bind(let binding):
      let bound = try await store.bind(binding)
      #expect(bound.binding.new == binding)
      return .bound(binding, bound.binding.id)
    case .unbind(let binding):
      // A smaller schedule may have lost what made it.
      if let id = bindings[binding] { _ = try await store.unbind(id) }
    case .register(let session):
      let registered = try await store.register(session)
      #expect(registered.registration.new == session)
      return .registered(session, registered.registration.id)
    case .unregister(let session):
      if let id = sessions[session.place] { _ = try await store.unregister(session: id) }
    }
    return .done
  }
}

extension NewSession {
  /// The part by which registrations replace each other.
  fileprivate var place: NewSession { NewSession(session: session, rolloutID: "", from: from) }
}

extension AttributionSchedule {
  /// Options of a store for this schedule.
  func options(_ disk: FaultVFS? = nil) -> SQLiteStoreOptions {
    var options = SQLiteStoreOptions()
    options.vfs = disk?.name
    // Only a disk that loses its power shows the difference.
    options.durability = disk == nil ? .process : .power
    options.autoRollout = autoRollout
    options.retagStep = retagStep
    options.retagPatience = retagPatience
    return options
  }

  /// What is wrong with a store that has the facts of a model.
  typealias Check = (SQLiteStore, AttributionModel) async throws -> [String]

  /// Begins the message about an action that failed.
  private static let failed = "failed: "

  /// Opens a store whose changes of tags are followed from the start.
  private func open(_ folder: TemporaryFolder) throws -> SQLiteStore {
    let store = try SQLiteStore(folder: folder.path, options: options())
    _ = store.retags.page(after: nil, limit: 1)
    return store
  }

  /// Brings all facts to a new store.
  ///
  /// - Returns: What `check` finds wrong with it in the end or in a pause, or what failed on the way.
  func run(_ check: Check) async throws -> [String] {
    let folder = try TemporaryFolder()
    var run = AttributionRun()
    var model = AttributionModel([], autoRollout: autoRollout)
    var store = try open(folder)
    do {
      for group in groups {
        var problems: [String] = []
        switch group.pause {
        case .none: break
        case .settling: problems = try await check(store, model)
        case .reopening:
          await store.finish()
          store = try open(folder)
        }
        if problems.isEmpty {
          problems = await run.perform(group.actions, store).map { "\(Self.failed)\($0.action): \($0.error)" }
        }
        if !problems.isEmpty {
          await store.finish()
          return problems
        }
        for action in group.actions { model.take(action) }
      }
      let problems = try await check(store, model)
      await store.finish()
      return problems
    } catch {
      await store.finish()
      return ["\(Self.failed)\(error)"]
    }
  }

  /// The smallest schedule at hand that is still wrong in the same way, as far as that can be told.
  func shrunk(_ problems: [String], _ check: Check) async -> (schedule: AttributionSchedule, problems: [String]) {
    var best = (schedule: self, problems: problems)
    func isSameKind(_ found: [String]) -> Bool {
      found.first.map { $0.hasPrefix(Self.failed) } == problems.first.map { $0.hasPrefix(Self.failed) }
    }
    var runs = 0
    var isSmaller = true
    while isSmaller && runs < 400 {
      isSmaller = false
      for candidate in best.schedule.smaller where runs < 400 {
        runs += 1
        let found = (try? await candidate.run(check)) ?? []
        guard isSameKind(found) else { continue }
        best = (candidate, found)
        isSmaller = true
        break
      }
    }
    return best
  }
}
