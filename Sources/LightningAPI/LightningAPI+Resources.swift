import JSON
import Telemetry
import TraceStore
import Transport

extension LightningAPI {
  func searchResources(_ request: HTTPRequest) async throws(RequestFailure) -> HTTPResponse {
    var reader = try await queryReader(request)
    let search = try ResourcesSearch.read(&reader)
    let page = try await read { session throws(StoreError) in try session.resources(search.query) }
    return LightningAnswer.page(page, of: search) { writer, resources in writer.resources(resources) }
  }

  /// - Parameter id: `nil` = those that were added or updated last.
  func resources(_ id: String?) async throws(RequestFailure) -> HTTPResponse {
    let found = try await read { session throws(StoreError) in try session.resources(id) }
    return LightningAnswer.value(found) { writer, resources in writer.resources(resources) }
  }

  /// - Parameter id: `nil` = a new one.
  func storeResources(_ id: String?, _ request: HTTPRequest) async throws(RequestFailure) -> HTTPResponse {
    let body = try await receive(request)
    let resources = try parse(try body.required()) { reader in reader.resources() }
    // An update can be repeated as it is.
    let key = id == nil ? try IdempotencyKey.read(request, body: body.bytes) : nil
    let stored = try await write { () throws(RolloutFault) in
      try await rollouts.store(resources: resources, as: id, once: key)
    }
    return LightningAnswer.value(stored, status: id == nil ? 201 : 200) { writer, resources in
      writer.resources(resources)
    }
  }
}
