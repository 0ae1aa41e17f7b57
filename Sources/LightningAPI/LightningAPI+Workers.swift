import JSON
import Telemetry
import TraceStore
import Transport

extension LightningAPI {
  func searchWorkers(_ request: HTTPRequest) async throws(RequestFailure) -> HTTPResponse {
    var reader = try await queryReader(request)
    let search = try WorkerSearch.read(&reader)
    let page = try await readAfterWatchdog { session throws(StoreError) in try session.workers(search.query) }
    return LightningAnswer.page(page, of: search) { writer, worker in writer.worker(worker) }
  }

  func worker(_ id: String) async throws(RequestFailure) -> HTTPResponse {
    let found = try await read { session throws(StoreError) in try session.worker(id) }
    return LightningAnswer.value(found) { writer, worker in writer.worker(worker) }
  }

  func updateWorker(_ id: String, _ request: HTTPRequest) async throws(RequestFailure) -> HTTPResponse {
    var stats: JSONText?
    if let document = try await receive(request).document {
      stats = try parse(document) { reader in reader.heartbeatStats() }
      try refuseNull(document, RequestReader.workerMembersWithValue)
    }
    let worker = try await write { [stats] () throws(RolloutFault) in
      try await rollouts.heartbeat(ofWorker: id, stats: stats)
    }
    return LightningAnswer.value(worker) { writer, worker in writer.worker(worker) }
  }
}
