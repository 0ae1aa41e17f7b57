import Protobuf
import Transport

/// Answers of gRPC calls.
enum GRPCResponse {
  /// A message, and status 0 in the trailers.
  static func message(_ message: [UInt8]) -> HTTPResponse {
    var body: [UInt8] = [0]
    body.reserveCapacity(GRPCMessage.prefixLength + message.count)
    for shift in stride(from: 24, through: 0, by: -8) { body.append(UInt8(truncatingIfNeeded: message.count >> shift)) }
    body += message
    return HTTPResponse(
      status: 200, headers: ["content-type": "application/grpc"], body: .bytes(body), trailers: ["grpc-status": "0"])
  }

  /// A failure, all of it in one block of headers.
  static func failure(_ failure: ExportFailure, status: Int = 200) -> HTTPResponse {
    var headers: HTTPHeaders = [
      "content-type": "application/grpc", "grpc-status": String(failure.code.rawValue),
      "grpc-message": percentEncoded(failure.message),
    ]
    if failure.code == .unimplemented { headers.append("grpc-accept-encoding", "identity,gzip") }
    if failure.retryAfter != nil || failure.code == .invalidArgument {
      headers.append("grpc-status-details-bin", base64(StatusMessage(failure: failure).protobuf))
    }
    return HTTPResponse(status: status, headers: headers)
  }

  /// Everything outside of printable ASCII, and the percent sign itself.
  private static func percentEncoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      if (0x20...0x7E).contains(byte) && byte != UInt8(ascii: "%") {
        bytes.append(byte)
      } else {
        bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Base64 without padding, as binary metadata is sent.
  private static func base64(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let part = bytes[start..<min(start + 3, bytes.count)]
      let word = part.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - part.count))
      for index in 0...part.count { text.append(alphabet[word >> (18 - 6 * index) & 63]) }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
