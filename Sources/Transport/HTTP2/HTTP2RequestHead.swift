/// The header section of an HTTP/2 request; nghttp2 has checked its pseudo fields.
struct HTTP2RequestHead: Hashable {
  var method: HTTPMethod
  var path: String
  var query: String?
  /// The fields; `:authority` stands among them as `host`.
  var headers: HTTPHeaders
  /// No body follows.
  var endsStream: Bool

  /// The length of the body in bytes, if it is known.
  var declaredLength: Int? {
    endsStream ? 0 : headers.first("content-length").flatMap { Int($0) }
  }

  /// The client waits for `100 Continue` before it sends the body.
  var expectsContinue: Bool { !endsStream && headers.list("expect", contains: "100-continue") }
}

/// The header section of a request while it arrives.
struct HTTP2HeaderCollector {
  private let limits: FieldCollector.Limits
  private var method = HTTPMethod.get
  private var target: RequestTarget?
  private var authority: String?
  private var headers = HTTPHeaders()
  private var byteCount = 0
  /// Set when a limit was exceeded; nothing is kept from then on.
  private(set) var isOverLimit = false

  init(limits: FieldCollector.Limits) { self.limits = limits }

  mutating func append(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) {
    byteCount += name.count + value.count
    guard byteCount <= limits.bytes, headers.count < limits.count else {
      isOverLimit = true
      headers = HTTPHeaders()
      return
    }
    guard !isOverLimit else { return }
    let text = unsafe FieldCoding.text(value)
    switch unsafe String(decoding: name, as: UTF8.self) {
    case ":method": method = HTTPMethod(rawValue: text)
    case ":path": target = unsafe RequestTarget(value)
    case ":authority": authority = text
    case let name where name.utf8.first == UInt8(ascii: ":"): break
    case let name: headers.append(lowercased: name, text)
    }
  }

  /// The head, or `nil` when the target cannot be read.
  func head(endsStream: Bool) -> HTTP2RequestHead? {
    guard let target else { return nil }
    var headers = headers
    // RFC 9113, section 8.3.1: the authority takes the place of the Host field.
    if let authority { headers.set("host", authority) }
    return HTTP2RequestHead(
      method: method, path: target.path, query: target.query, headers: headers, endsStream: endsStream)
  }
}
