import CAPIDescription
import Transport

/// `/openapi.json`: what the program serves.
enum APIDescription {
  /// - Returns: `nil` for another path.
  static func respond(to request: HTTPRequest) -> HTTPResponse? {
    guard request.path == "/openapi.json" else { return nil }
    guard request.method == .get || request.method == .head else {
      return HTTPResponse(status: 405, headers: ["allow": "GET, HEAD"])
    }
    return HTTPResponse(status: 200, headers: ["content-type": "application/json"], body: .bytes(text))
  }

  private static var text: [UInt8] {
    var count: Int32 = 0
    // A constant of the program.
    guard let start = unsafe api_description(&count) else { return [] }
    return unsafe Array(UnsafeBufferPointer(start: start, count: Int(count)))
  }
}
