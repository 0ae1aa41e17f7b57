import CNGHTTP2

/// A failed nghttp2 call, after which the connection cannot go on.
struct HTTP2Error: Error, Hashable, CustomStringConvertible {
  let code: Int32
  let call: String

  /// The client queued more acknowledgements, or sent more settings, than it may.
  var isFlood: Bool { code == NGHTTP2_ERR_FLOODED.rawValue || code == NGHTTP2_ERR_TOO_MANY_SETTINGS.rawValue }

  var description: String { "\(call): \(unsafe String(cString: nghttp2_strerror(code)))" }

  static func check(_ code: Int32, _ call: String) throws(HTTP2Error) {
    guard code == 0 else { throw HTTP2Error(code: code, call: call) }
  }
}

/// The error codes that this server sends
/// ([RFC 9113, section 7](https://www.rfc-editor.org/rfc/rfc9113#section-7)).
enum HTTP2ErrorCode: UInt32 {
  case noError = 0x0
  case protocolError = 0x1
  case internalError = 0x2
  case refusedStream = 0x7
  case cancel = 0x8
  case enhanceYourCalm = 0xB
}
