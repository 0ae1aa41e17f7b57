/// Writes the heads of HTTP/1 answers and the frames of chunked bodies, as bytes.
struct HTTP1ResponseEncoder {
  /// How the client finds the end of the body.
  enum Framing: Hashable {
    /// No body follows, whatever the fields say.
    case none
    /// The body has as many bytes as `content-length` says.
    case length(Int)
    case chunked
    /// The body ends with the connection, the only way for HTTP/1.0.
    case close
  }

  /// What the head needs to know of the request and the connection.
  struct Context {
    var method: HTTPMethod
    var version: HTTPVersion
    /// The connection ends after this answer.
    var closes: Bool
    /// The value of the `date` field.
    var date: [UInt8]
  }

  /// Decides the framing of an answer ([RFC 9112, section 6](https://www.rfc-editor.org/rfc/rfc9112#section-6)).
  static func framing(of response: HTTPResponse, method: HTTPMethod, version: HTTPVersion) -> Framing {
    if method == .head || response.status == 204 || response.status == 304 { return .none }
    switch response.body {
    case .none: return .length(0)
    case .bytes(let bytes):
      return response.trailers.isEmpty || version == .http10 ? .length(bytes.count) : .chunked
    case .stream:
      if let length = response.headers.first("content-length").flatMap({ Int($0) }), length >= 0 {
        return .length(length)
      }
      return version == .http10 ? .close : .chunked
    }
  }

  /// The status line and the header section.
  static func head(_ response: HTTPResponse, framing: Framing, _ context: Context) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(256)
    append("HTTP/1.1 ", to: &bytes)
    append(response.status, to: &bytes)
    append(" ", to: &bytes)
    if let reason = response.reason {
      appendText(reason, to: &bytes)
    } else {
      append(reasonPhrase(response.status), to: &bytes)
    }
    append("\r\n", to: &bytes)
    for field in response.headers.fields where !isOurs(field.name, framing, response) {
      appendField(field, to: &bytes)
    }
    switch framing {
    case .none: appendImpliedLength(response, context.method, to: &bytes)
    case .length(let length): appendLength(length, to: &bytes)
    case .chunked: append("transfer-encoding: chunked\r\n", to: &bytes)
    case .close: break
    }
    if context.closes {
      append("connection: close\r\n", to: &bytes)
    } else if context.version == .http10 {
      append("connection: keep-alive\r\n", to: &bytes)
    }
    if response.headers.first("date") == nil {
      append("date: ", to: &bytes)
      bytes.append(contentsOf: context.date)
      append("\r\n", to: &bytes)
    }
    append("\r\n", to: &bytes)
    return bytes
  }

  /// What stands before a piece of a body that is sent as a chunk; ``chunkEnd`` stands behind it.
  ///
  /// Empty pieces make no chunk, because that would end the body.
  static func chunkHead(_ size: Int) -> [UInt8] { Array(String(size, radix: 16).utf8) + [0x0D, 0x0A] }

  static let chunkEnd: [UInt8] = [0x0D, 0x0A]

  /// The end of a chunked body.
  static func lastChunk(trailers: HTTPHeaders) -> [UInt8] {
    var bytes: [UInt8] = []
    append("0\r\n", to: &bytes)
    for field in trailers.fields { appendField(field, to: &bytes) }
    append("\r\n", to: &bytes)
    return bytes
  }

  static let continueHead = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

  /// Whether the connection writes the field itself.
  private static func isOurs(_ name: String, _ framing: Framing, _ response: HTTPResponse) -> Bool {
    switch name {
    case "connection", "transfer-encoding", "keep-alive": true
    // Without a body the handler may say how long it would have been (RFC 9110, section 8.6).
    case "content-length": !keepsOwnLength(framing, response)
    default: false
    }
  }

  private static func keepsOwnLength(_ framing: Framing, _ response: HTTPResponse) -> Bool {
    guard framing == .none, response.status != 204 else { return false }
    if case .bytes = response.body { return false }
    return true
  }

  /// What `GET` would have sent, for an answer to `HEAD`.
  private static func appendImpliedLength(_ response: HTTPResponse, _ method: HTTPMethod, to bytes: inout [UInt8]) {
    guard method == .head, response.status != 204, response.status != 304 else { return }
    if case .bytes(let body) = response.body { appendLength(body.count, to: &bytes) }
  }

  private static func appendLength(_ length: Int, to bytes: inout [UInt8]) {
    append("content-length: ", to: &bytes)
    append(length, to: &bytes)
    append("\r\n", to: &bytes)
  }

  private static func appendField(_ field: HTTPHeaders.Field, to bytes: inout [UInt8]) {
    appendText(field.name, to: &bytes)
    append(": ", to: &bytes)
    appendText(field.value, to: &bytes)
    append("\r\n", to: &bytes)
  }

  /// Appends text that must not break the line it stands in: control characters become spaces.
  private static func appendText(_ text: String, to bytes: inout [UInt8]) {
    let start = bytes.count
    FieldCoding.append(text, to: &bytes)
    for index in start..<bytes.count where bytes[index] < 0x20 && bytes[index] != 0x09 || bytes[index] == 0x7F {
      bytes[index] = 0x20
    }
  }

  private static func append(_ text: StaticString, to bytes: inout [UInt8]) {
    unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  private static func append(_ number: Int, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: String(number).utf8)
  }
}
