import APISupport
import JSON
import TraceStore
import Transport

/// Keeps rollouts from being deleted.
extension QueryAPI {
  /// Pins a rollout, or takes the pin away; both can be repeated.
  func pin(_ id: String, _ request: HTTPRequest) async throws -> HTTPResponse {
    _ = try QueryParameters(request, allowed: [])
    let isPinned = request.method == .post
    do throws(RolloutFault) {
      try await pins.pin(rollout: id, isPinned)
    } catch {
      switch error {
      case .store(let error): throw error
      default: throw QueryFault(status: 404, message: "no rollout of this id is stored")
      }
    }
    guard isPinned else { return Self.deleted }
    return JSONAnswer.make { writer in
      writer.beginObject()
      writer.key("rolloutId")
      writer.string(id)
      writer.key("pinned")
      writer.bool(true)
      writer.endObject()
    }
  }
}
