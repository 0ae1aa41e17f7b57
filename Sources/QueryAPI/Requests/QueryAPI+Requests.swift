import APISupport
import TraceStore
import Transport

extension QueryAPI {
  /// Waits for the body of a request and reads its members.
  func members(_ request: HTTPRequest, allowed: [String]) async throws -> RequestMembers {
    _ = try QueryParameters(request, allowed: [])
    guard BodyReceiver.isJSON(request.headers.first("content-type")) else {
      throw QueryFault(status: 415, message: "unsupported content type, supported: application/json")
    }
    let received = try await BodyReceiver.receive(request, upTo: options.requestBytes, budget)
    let members = try RequestMembers(received.bytes, allowed: allowed)
    try received.hold(members.byteCount)
    return members
  }

  /// Changes the store; what it will never take is the mistake of whoever asks for it.
  func write<Value>(_ body: () async throws(StoreError) -> Value) async throws -> Value {
    do throws(StoreError) {
      return try await body()
    } catch {
      guard error.code == .refused else { throw error }
      throw QueryFault(status: 400, message: "the store refuses this: \(error.message)")
    }
  }

  /// The number of a registration in a path; what is no number is not there.
  func registration(_ id: String, _ kind: String, _ request: HTTPRequest) throws(QueryFault) -> Int64 {
    _ = try QueryParameters(request, allowed: [])
    guard let number = Int64(id), number > 0, String(number) == id else { throw .unknown(kind, id) }
    return number
  }

  /// Answers that something was deleted.
  static var deleted: HTTPResponse { HTTPResponse(status: 204) }
}

extension QueryFault {
  static func unknown(_ kind: String, _ id: String) -> QueryFault {
    QueryFault(status: 404, message: "there is no \(kind) \(id.count <= 64 ? id : id.prefix(64) + "...")")
  }
}
