import Compression

/// The body of an export request, as the target's carrier wants it.
enum RequestBody {
  /// Compresses a message where the target wants that, and puts it into a frame for gRPC: a flag, four bytes of length,
  /// the message ([gRPC over HTTP/2](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md)).
  static func make(_ message: [UInt8], _ target: ForwardTarget) -> [UInt8] {
    var message = message
    var isCompressed = false
    // Without memory for the compressor the message goes as it is.
    if target.compresses, let compressor = try? GzipCompressor() {
      message = compressor.compress(message.span)
      isCompressed = true
    }
    guard target.carrier == .grpc else { return message }
    var frame: [UInt8] = []
    frame.reserveCapacity(message.count + 5)
    frame.append(isCompressed ? 1 : 0)
    for shift in [24, 16, 8, 0] { frame.append(UInt8(truncatingIfNeeded: message.count >> shift)) }
    frame += message
    return frame
  }

  /// The message of an answer of gRPC; `nil` unless there is a whole one that is not compressed.
  static func grpcMessage(_ body: [UInt8]) -> [UInt8]? {
    guard body.count >= 5, body[0] == 0 else { return nil }
    let length = body[1..<5].reduce(0) { $0 << 8 | Int($1) }
    guard body.count >= 5 + length else { return nil }
    return Array(body[5..<5 + length])
  }
}
