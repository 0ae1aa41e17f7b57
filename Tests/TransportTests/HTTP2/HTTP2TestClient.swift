import CNGHTTP2
import Testing

@testable import Transport

/// An HTTP/2 frame as a client writes and reads it.
struct HTTP2Frame: Equatable, CustomTestStringConvertible {
  var type: UInt8
  var flags: UInt8 = 0
  var stream: Int32 = 0
  var payload: [UInt8] = []

  var testDescription: String { "type \(type) flags \(flags) stream \(stream), \(payload.count) bytes" }

  static let endStream: UInt8 = 1
  static let endHeaders: UInt8 = 4
  static let ack: UInt8 = 1

  static func data(_ stream: Int32, _ payload: [UInt8], end: Bool = false) -> HTTP2Frame {
    HTTP2Frame(type: 0, flags: end ? endStream : 0, stream: stream, payload: payload)
  }

  static func headers(_ stream: Int32, _ fields: [(String, String)], end: Bool = true) -> HTTP2Frame {
    HTTP2Frame(type: 1, flags: endHeaders | (end ? endStream : 0), stream: stream, payload: literal(fields))
  }

  static func reset(_ stream: Int32, code: UInt8 = 8) -> HTTP2Frame {
    HTTP2Frame(type: 3, stream: stream, payload: [0, 0, 0, code])
  }

  static let settings = HTTP2Frame(type: 4)
  static let settingsAck = HTTP2Frame(type: 4, flags: ack)
  static let ping = HTTP2Frame(type: 6, payload: [1, 2, 3, 4, 5, 6, 7, 8])

  static func windowUpdate(_ stream: Int32, _ increment: UInt32) -> HTTP2Frame {
    let bytes = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: increment >> $0) }
    return HTTP2Frame(type: 8, stream: stream, payload: bytes)
  }

  /// A GET or POST request for a path.
  static func request(
    _ stream: Int32, _ method: String = "GET", path: String = "/", more: [(String, String)] = [], end: Bool = true
  ) -> HTTP2Frame {
    headers(
      stream, [(":method", method), (":scheme", "http"), (":path", path), (":authority", "h")] + more, end: end)
  }

  /// Fields as HPACK literals without indexing (RFC 7541, section 6.2.2).
  private static func literal(_ fields: [(String, String)]) -> [UInt8] {
    fields.flatMap { [0x00] + string($0.0) + string($0.1) }
  }

  private static func string(_ text: String) -> [UInt8] {
    var count = text.utf8.count
    guard count >= 127 else { return [UInt8(count)] + Array(text.utf8) }
    var prefix: [UInt8] = [127]
    count -= 127
    while count >= 128 {
      prefix.append(UInt8(count % 128 + 128))
      count /= 128
    }
    return prefix + [UInt8(count)] + Array(text.utf8)
  }

  var bytes: [UInt8] {
    let count = payload.count
    let head = [UInt8(count >> 16), UInt8(count >> 8 & 0xFF), UInt8(count & 0xFF), type, flags]
    return head + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: stream >> $0) } + payload
  }

  /// Takes the first whole frame off some bytes.
  static func take(from bytes: inout [UInt8]) -> HTTP2Frame? {
    guard bytes.count >= 9 else { return nil }
    let count = Int(bytes[0]) << 16 | Int(bytes[1]) << 8 | Int(bytes[2])
    guard bytes.count >= 9 + count else { return nil }
    let stream = bytes[5..<9].reduce(Int32(0)) { $0 << 8 | Int32($1) }
    let frame = HTTP2Frame(type: bytes[3], flags: bytes[4], stream: stream, payload: Array(bytes[9..<9 + count]))
    bytes.removeFirst(9 + count)
    return frame
  }

  static func all(in bytes: [UInt8]) -> [HTTP2Frame] {
    var bytes = bytes
    var frames: [HTTP2Frame] = []
    while let frame = take(from: &bytes) { frames.append(frame) }
    return frames
  }

  /// What a client says first.
  ///
  /// It accepts the server's settings before it has seen them, so that the stream windows are
  /// as large as the server will announce.
  static let clientStart = HTTPConnection.preface + settings.bytes + settingsAck.bytes
}

/// Reads the header sections of a server, in order.
@safe final class HeaderInflater {
  private var inflater: OpaquePointer?

  init() {
    unsafe inflater = nil
    unsafe nghttp2_hd_inflate_new(&inflater)
  }

  deinit { unsafe nghttp2_hd_inflate_del(inflater) }

  func fields(of frame: HTTP2Frame) -> [String: String] {
    var fields: [String: String] = [:]
    var start = 0
    while true {
      var field = unsafe nghttp2_nv()
      var flags: Int32 = 0
      let used = unsafe frame.payload[start...].withUnsafeBufferPointer {
        unsafe nghttp2_hd_inflate_hd2(inflater, &field, &flags, $0.baseAddress, $0.count, 1)
      }
      if used < 0 { return fields }
      start += used
      if UInt32(flags) & NGHTTP2_HD_INFLATE_EMIT.rawValue != 0 {
        let name = unsafe String(decoding: UnsafeBufferPointer(start: field.name, count: field.namelen), as: UTF8.self)
        fields[name] = unsafe String(
          decoding: UnsafeBufferPointer(start: field.value, count: field.valuelen), as: UTF8.self)
      }
      if UInt32(flags) & NGHTTP2_HD_INFLATE_FINAL.rawValue != 0 {
        unsafe nghttp2_hd_inflate_end_headers(inflater)
        return fields
      }
    }
  }
}
