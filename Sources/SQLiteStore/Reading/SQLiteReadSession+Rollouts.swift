import Telemetry
import TraceStore

// To come with the tables.
extension SQLiteReadSession {
  func rollouts(_ query: RolloutQuery) throws(StoreError) -> PageOf<AttemptedRollout> { fatalError() }
  func rollouts(_ ids: [String]) throws(StoreError) -> [AttemptedRollout] { fatalError() }
  func attempts(_ query: AttemptQuery) throws(StoreError) -> PageOf<Attempt> { fatalError() }
  func workers(_ query: WorkerQuery) throws(StoreError) -> PageOf<Worker> { fatalError() }
  func worker(_ id: String) throws(StoreError) -> Worker? { fatalError() }
  func resources(_ query: ResourcesQuery) throws(StoreError) -> PageOf<ResourcesUpdate> { fatalError() }
  func resources(_ id: String?) throws(StoreError) -> ResourcesUpdate? { fatalError() }
}
