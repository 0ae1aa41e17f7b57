import CLLHTTP

/// Reads HTTP/1 requests from bytes, with llhttp; without any I/O.
///
/// The parser stops after each request, so that the next one is not read before the first one is answered.
@safe final class HTTP1Parser {
  /// What the bytes meant.
  enum Event: Hashable {
    case head(HTTP1RequestHead)
    /// Bytes of the body, as offsets into the bytes that were given to ``parse(_:)``.
    case body(Range<Int>)
    /// The request is complete; these fields came after its body.
    case end(trailers: HTTPHeaders)
  }

  /// Why parsing stopped.
  enum Outcome: Hashable {
    /// All bytes were used.
    case needsMore
    /// A request is complete; the bytes from this offset on belong to the next one.
    case requestEnded(consumed: Int)
    /// The bytes are not a request; the parser cannot go on.
    case failed(HTTP1Error)
  }

  /// Bytes of chunk extensions in one request, which nothing here reads (CVE-2024-22019).
  private static let maximumExtensionBytes = 16 * 1024

  // llhttp writes through these while `parse` runs. They are freed in deinit, and their addresses do not change.
  private let parser: UnsafeMutablePointer<llhttp_t>
  private let settings: UnsafeMutablePointer<llhttp_settings_t>
  private var events: [Event] = []
  private var fields: FieldCollector
  private var failure: HTTP1Error?
  private var extensionBytes = 0
  private var isInBody = false
  private var hasBegun = false
  /// Where the bytes of the current call of `parse` start; only for offsets.
  private var base: UnsafePointer<UInt8>?
  /// Bytes that were given to earlier calls of `parse`.
  private var earlierBytes = 0

  init(limits: FieldCollector.Limits) {
    fields = FieldCollector(limits: limits)
    unsafe parser = .allocate(capacity: 1)
    unsafe settings = .allocate(capacity: 1)
    unsafe base = nil
    unsafe llhttp_settings_init(settings)
    unsafe settings.pointee.on_message_begin = onMessageBegin
    unsafe settings.pointee.on_url = onTarget
    unsafe settings.pointee.on_header_field = onFieldName
    unsafe settings.pointee.on_header_value = onFieldValue
    unsafe settings.pointee.on_headers_complete = onHeadersComplete
    unsafe settings.pointee.on_body = onBody
    unsafe settings.pointee.on_chunk_extension_name = onChunkExtension
    unsafe settings.pointee.on_chunk_extension_value = onChunkExtension
    unsafe settings.pointee.on_message_complete = onMessageComplete
    unsafe llhttp_init(parser, HTTP_REQUEST, settings)
    unsafe parser.pointee.data = Unmanaged.passUnretained(self).toOpaque()
  }

  deinit {
    unsafe parser.deallocate()
    unsafe settings.deallocate()
  }

  /// Whether a request has begun and its header section is not complete.
  var isInHead: Bool { hasBegun && !isInBody }

  /// Reads bytes up to the end of a request.
  func parse(_ bytes: Span<UInt8>) -> (events: [Event], outcome: Outcome) {
    let outcome = unsafe bytes.withUnsafeBufferPointer { unsafe execute($0) }
    defer { events.removeAll(keepingCapacity: true) }
    return (events, outcome)
  }

  private func execute(_ bytes: UnsafeBufferPointer<UInt8>) -> Outcome {
    guard let start = bytes.baseAddress, !bytes.isEmpty else { return .needsMore }
    if let failure { return .failed(failure) }
    unsafe base = start
    defer {
      unsafe base = nil
      earlierBytes += bytes.count
    }
    let code = unsafe start.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
      unsafe llhttp_execute(parser, $0, bytes.count)
    }
    switch code {
    case HPE_OK:
      guard fields.isOverLimit else { return .needsMore }
      failure = headerLimitError
      return .failed(headerLimitError)
    case HPE_PAUSED:
      let position = unsafe UnsafeRawPointer(llhttp_get_error_pos(parser)!)
      unsafe llhttp_resume(parser)
      return .requestEnded(consumed: unsafe UnsafeRawPointer(start).distance(to: position))
    case HPE_INVALID_METHOD where unsafe isRefusedInMethod(bytes):
      // llhttp knows a list of methods; others exist (RFC 9110, section 9.1).
      let error = HTTP1Error(501, "unknown method")
      failure = error
      return .failed(error)
    default:
      let error = failure ?? describe(code)
      failure = error
      return .failed(error)
    }
  }

  /// Whether llhttp refused a byte that may be part of a method, or end one.
  ///
  /// The bytes before it have begun a method that is known, so they may as well. What comes after it is not looked at:
  /// it may not have come yet.
  private func isRefusedInMethod(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let start = bytes.baseAddress, let position = unsafe llhttp_get_error_pos(parser) else { return false }
    let offset = unsafe UnsafeRawPointer(start).distance(to: UnsafeRawPointer(position))
    guard bytes.indices.contains(offset) else { return false }
    return unsafe bytes[offset] == UInt8(ascii: " ") || Self.isTokenByte(bytes[offset])
  }

  /// `tchar` of [RFC 9110, section 5.6.2](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2).
  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }

  private var headerLimitError: HTTP1Error { HTTP1Error(431, "header section too large") }

  private func describe(_ code: llhttp_errno_t) -> HTTP1Error {
    if fields.isOverLimit { return headerLimitError }
    return switch code {
    case HPE_INVALID_VERSION: HTTP1Error(505, "unknown HTTP version")
    case HPE_INVALID_TRANSFER_ENCODING: HTTP1Error(400, "malformed transfer-encoding")
    case HPE_INVALID_CHUNK_SIZE: HTTP1Error(400, "malformed chunk size")
    case HPE_INVALID_CONTENT_LENGTH, HPE_UNEXPECTED_CONTENT_LENGTH: HTTP1Error(400, "malformed content-length")
    default: HTTP1Error(400, "malformed request")
    }
  }

  // MARK: Events of llhttp

  fileprivate func didBegin() {
    hasBegun = true
    isInBody = false
    extensionBytes = 0
    fields.reset()
  }

  fileprivate func didReadTarget(_ piece: UnsafeBufferPointer<UInt8>) { unsafe fields.appendTarget(piece) }
  fileprivate func didReadName(_ piece: UnsafeBufferPointer<UInt8>) { unsafe fields.appendName(piece) }

  fileprivate func didReadValue(_ piece: UnsafeBufferPointer<UInt8>) {
    guard let base = unsafe base, let start = piece.baseAddress else { return }
    unsafe fields.appendValue(piece, at: earlierBytes + base.distance(to: start))
  }

  /// - Returns: Whether parsing goes on.
  fileprivate func didReadHead() -> Bool {
    do throws(HTTP1Error) {
      guard !fields.isOverLimit else { throw headerLimitError }
      let method = unsafe llhttp_method_t(rawValue: UInt32(parser.pointee.method))
      let target = RequestTarget(fields.target)
      let head = try HTTP1RequestHead(
        method: httpMethod(method), target: target,
        major: unsafe parser.pointee.http_major, minor: unsafe parser.pointee.http_minor,
        headers: fields.takeHeaders(), length: unsafe parser.pointee.content_length)
      events.append(.head(head))
      isInBody = true
      // No protocol is switched to here, so an `Upgrade` field is ignored (RFC 9110, section 7.8).
      unsafe parser.pointee.upgrade = 0
      return true
    } catch {
      failure = error
      return false
    }
  }

  fileprivate func didReadBody(_ piece: UnsafeBufferPointer<UInt8>) {
    guard let base = unsafe base, let start = piece.baseAddress else { return }
    let offset = unsafe base.distance(to: start)
    events.append(.body(offset..<offset + piece.count))
  }

  /// - Returns: Whether parsing goes on.
  fileprivate func didReadExtension(_ count: Int) -> Bool {
    extensionBytes += count
    guard extensionBytes > Self.maximumExtensionBytes else { return true }
    failure = HTTP1Error(413, "chunk extensions too large")
    return false
  }

  /// - Returns: Whether the trailers are acceptable.
  fileprivate func didEnd() -> Bool {
    do throws(HTTP1Error) {
      guard !fields.isOverLimit else { throw headerLimitError }
      events.append(.end(trailers: try fields.takeHeaders()))
      hasBegun = false
      isInBody = false
      return true
    } catch {
      failure = error
      return false
    }
  }
}

private func httpMethod(_ method: llhttp_method_t) -> HTTPMethod {
  switch method {
  case HTTP_GET: .get
  case HTTP_POST: .post
  case HTTP_PUT: .put
  case HTTP_HEAD: .head
  case HTTP_PATCH: .patch
  case HTTP_DELETE: .delete
  case HTTP_OPTIONS: .options
  case HTTP_CONNECT: .connect
  default: HTTPMethod(rawValue: unsafe String(cString: llhttp_method_name(method)))
  }
}

// MARK: C callbacks

// llhttp calls these inside `parse`, while the caller holds the parser.
private func owner(_ parser: UnsafeMutablePointer<llhttp_t>?) -> HTTP1Parser {
  unsafe Unmanaged<HTTP1Parser>.fromOpaque(parser!.pointee.data).takeUnretainedValue()
}

private func buffer(_ start: UnsafePointer<CChar>?, _ count: Int) -> UnsafeBufferPointer<UInt8> {
  unsafe UnsafeBufferPointer(start: UnsafeRawPointer(start)?.assumingMemoryBound(to: UInt8.self), count: count)
}

private func onMessageBegin(_ parser: UnsafeMutablePointer<llhttp_t>?) -> Int32 {
  unsafe owner(parser).didBegin()
  return 0
}

private func onTarget(_ parser: UnsafeMutablePointer<llhttp_t>?, _ start: UnsafePointer<CChar>?, _ count: Int) -> Int32
{
  unsafe owner(parser).didReadTarget(buffer(start, count))
  return 0
}

private func onFieldName(_ parser: UnsafeMutablePointer<llhttp_t>?, _ start: UnsafePointer<CChar>?, _ count: Int)
  -> Int32
{
  unsafe owner(parser).didReadName(buffer(start, count))
  return 0
}

private func onFieldValue(_ parser: UnsafeMutablePointer<llhttp_t>?, _ start: UnsafePointer<CChar>?, _ count: Int)
  -> Int32
{
  unsafe owner(parser).didReadValue(buffer(start, count))
  return 0
}

private func onHeadersComplete(_ parser: UnsafeMutablePointer<llhttp_t>?) -> Int32 {
  unsafe owner(parser).didReadHead() ? 0 : -1
}

private func onBody(_ parser: UnsafeMutablePointer<llhttp_t>?, _ start: UnsafePointer<CChar>?, _ count: Int) -> Int32 {
  unsafe owner(parser).didReadBody(buffer(start, count))
  return 0
}

private func onChunkExtension(_ parser: UnsafeMutablePointer<llhttp_t>?, _ start: UnsafePointer<CChar>?, _ count: Int)
  -> Int32
{
  unsafe owner(parser).didReadExtension(count) ? 0 : -1
}

private func onMessageComplete(_ parser: UnsafeMutablePointer<llhttp_t>?) -> Int32 {
  unsafe owner(parser).didEnd() ? Int32(HPE_PAUSED.rawValue) : -1
}
