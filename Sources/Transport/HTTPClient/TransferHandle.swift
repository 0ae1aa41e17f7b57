internal import CCurl

/// One easy handle of libcurl: the settings of a request, and the callbacks of its answer.
///
/// Confined to the thread of its pool's loop. This file and ``TransferPool`` hold all calls of libcurl.
@safe final class TransferHandle {
  // Freed in deinit, after the pool has taken the handle out of the multi handle.
  let easy: UnsafeMutableRawPointer
  private let errorText: UnsafeMutablePointer<CChar>
  private var fields: UnsafeMutablePointer<curl_slist>?
  /// libcurl reads it while it sends.
  private var body: UnsafeMutableBufferPointer<UInt8>?
  /// Set while the handle is in use; the multi handle owns a reference to `self` then.
  fileprivate(set) var transfer: HTTPTransfer?
  /// How often libcurl was about to send the request.
  private var tries = 0
  /// Whether the request went, or was to go, over an HTTP/1 connection that had been used before.
  private var isOverKept = false

  /// Room for what is read from a socket at once, in bytes.
  private static let readBufferSize = 64 * 1024

  init() throws(ClientError) {
    guard let easy = unsafe ccurl_easy_init() else {
      throw ClientError(kind: .other, message: "libcurl has no handle left")
    }
    unsafe self.easy = easy
    unsafe errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
    unsafe fields = nil
    unsafe body = nil
  }

  deinit {
    unsafe ccurl_easy_cleanup(easy)
    unsafe errorText.deallocate()
    freeRequest()
  }

  /// Sets up a request.
  ///
  /// - Parameter isFresh: Whether it goes over a connection of its own.
  func prepare(_ request: ClientRequest, isFresh: Bool, for transfer: HTTPTransfer) throws(ClientError) {
    self.transfer = transfer
    tries = 0
    isOverKept = false
    unsafe errorText[0] = 0
    try setSafetyOptions()
    try setCallbacks()
    try set(CURLOPT_URL, request.url)
    // Many requests at once share one HTTP/2 connection, also while it is being made. Without TLS nothing tells that a
    // server speaks HTTP/2, and all would wait for the first answer.
    if request.url.hasPrefix("https:") { try set(CURLOPT_PIPEWAIT, 1) }
    try set(CURLOPT_CONNECTTIMEOUT_MS, Int(clamping: max(1, request.connectTimeout.wholeMilliseconds)))
    if let file = request.certificateFile { try set(CURLOPT_CAINFO, file) }
    if let certificate = request.clientCertificate {
      try set(CURLOPT_SSLCERT, certificate.file)
      try set(CURLOPT_SSLKEY, certificate.keyFile)
    }
    if request.assumesHTTP2, !request.url.hasPrefix("https:") {
      try set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE))
      if Self.losesPriorKnowledge { try set(CURLOPT_FORBID_REUSE, 1) }
    }
    if isFresh { try set(CURLOPT_FRESH_CONNECT, 1) }
    try setMethod(request)
    try setFields(request.headers)
  }

  /// libcurl 7.88 forgets on a connection that it uses again that HTTP/2 is spoken there without TLS, and fails with
  /// "Error in the HTTP2 framing layer" ([issue 10634](https://github.com/curl/curl/issues/10634)).
  private static let losesPriorKnowledge = ccurl_version() < 0x080000

  private func setSafetyOptions() throws(ClientError) {
    // Threads resolve names; no signals in a process with threads.
    try set(CURLOPT_NOSIGNAL, 1)
    try set(CURLOPT_PROTOCOLS_STR, "http,https")
    // Not the variables of the environment.
    try set(CURLOPT_PROXY, "")
    try set(CURLOPT_HTTP09_ALLOWED, 0)
    try set(CURLOPT_PATH_AS_IS, 1)
    try set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
    try set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
    try set(CURLOPT_TCP_KEEPALIVE, 1)
    // Refused while a handle still has the buffer of an earlier request that failed; it has the same size.
    unsafe ccurl_set_long(easy, CURLOPT_BUFFERSIZE, Self.readBufferSize)
  }

  private func setCallbacks() throws(ClientError) {
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    try unsafe check(ccurl_set_pointer(easy, CURLOPT_PRIVATE, context))
    try unsafe check(ccurl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText))
    try unsafe check(ccurl_set_pointer(easy, CURLOPT_WRITEDATA, context))
    try unsafe check(ccurl_set_write_function(easy, CURLOPT_WRITEFUNCTION, onBody))
    try unsafe check(ccurl_set_pointer(easy, CURLOPT_HEADERDATA, context))
    try unsafe check(ccurl_set_write_function(easy, CURLOPT_HEADERFUNCTION, onHeaderLine))
    try unsafe check(ccurl_set_prerequest_function(easy, onPrerequest, context))
  }

  private func setMethod(_ request: ClientRequest) throws(ClientError) {
    if let bytes = request.body {
      let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, bytes.count))
      _ = unsafe copy.initialize(from: bytes)
      unsafe body = copy
      try unsafe check(ccurl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bytes.count)))
      try unsafe check(ccurl_set_pointer(easy, CURLOPT_POSTFIELDS, copy.baseAddress))
    }
    switch request.method {
    case "GET" where request.body == nil: try set(CURLOPT_HTTPGET, 1)
    case "POST" where request.body != nil: break
    case "HEAD": try set(CURLOPT_NOBODY, 1)
    default: try set(CURLOPT_CUSTOMREQUEST, request.method)
    }
  }

  private func setFields(_ headers: HTTPHeaders) throws(ClientError) {
    for field in headers.fields {
      // A field without a value is written with a semicolon.
      try append(field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)")
    }
    // libcurl adds these on its own; a name with nothing behind the colon takes them away.
    for name in ["accept", "content-type", "expect"] where headers.first(name) == nil { try append("\(name):") }
    try unsafe check(ccurl_set_list(easy, CURLOPT_HTTPHEADER, fields))
  }

  private func append(_ line: String) throws(ClientError) {
    var bytes: [UInt8] = []
    FieldCoding.append(line, to: &bytes)
    bytes.append(0)
    let longer = unsafe bytes.withUnsafeBytes {
      unsafe ccurl_slist_append(fields, $0.bindMemory(to: CChar.self).baseAddress)
    }
    guard let longer = unsafe longer else {
      throw ClientError(kind: .other, message: "no memory for the header fields")
    }
    unsafe fields = longer
  }

  /// Forgets the request; connections and what is known of the servers stay with the pool.
  func reset() {
    transfer = nil
    unsafe ccurl_easy_reset(easy)
    freeRequest()
  }

  private func freeRequest() {
    unsafe ccurl_slist_free_all(fields)
    unsafe fields = nil
    unsafe body?.deallocate()
    unsafe body = nil
  }

  /// Whether the request may go over the connection that libcurl has chosen.
  ///
  /// libcurl itself sends a request again over one kept connection after the other, when they turn out to have ended. It
  /// may do so over a new one alone: each of them may have brought the request to the server.
  fileprivate func maySend(over endpoints: KeptConnections.Endpoints) -> Bool {
    var made = 0
    unsafe ccurl_get_long(easy, CURLINFO_NUM_CONNECTS, &made)
    let connection = made == 0 ? transfer?.connection(endpoints) : nil
    isOverKept = connection != nil
    defer { tries += 1 }
    if tries > 0 { return connection == nil && transfer?.mayBeUnread == true }
    return connection != .spoiled
  }

  /// Tells the transfer how it ended.
  func finish(_ code: CURLcode) {
    guard let transfer else { return }
    guard code != CURLE_OK else { return transfer.finish(nil) }
    if isOverKept, transfer.startsAgain() { return }
    let detail = unsafe String(cString: errorText)
    var port = 0
    unsafe ccurl_get_long(easy, CURLINFO_PRIMARY_PORT, &port)
    transfer.finish(ClientError(code, detail: detail, isConnected: port != 0))
  }

  // MARK: Options

  private func set(_ option: CURLoption, _ value: Int) throws(ClientError) {
    try check(unsafe ccurl_set_long(easy, option, value))
  }

  private func set(_ option: CURLoption, _ text: String) throws(ClientError) {
    try check(unsafe ccurl_set_text(easy, option, text))
  }

  private func check(_ code: CURLcode) throws(ClientError) {
    guard code != CURLE_OK else { return }
    throw ClientError(kind: .other, message: unsafe String(cString: ccurl_easy_strerror(code)))
  }
}

// MARK: C callbacks

// The pool keeps the handle for as long as libcurl knows it.
private func transfer(_ context: UnsafeMutableRawPointer?) -> HTTPTransfer? {
  unsafe Unmanaged<TransferHandle>.fromOpaque(context!).takeUnretainedValue().transfer
}

private func bytes(_ pointer: UnsafeMutablePointer<CChar>?, _ count: Int) -> UnsafeBufferPointer<UInt8> {
  unsafe UnsafeBufferPointer(
    start: UnsafeRawPointer(pointer)?.assumingMemoryBound(to: UInt8.self), count: count)
}

private func onBody(
  _ pointer: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
)
  -> Int
{
  guard let transfer = unsafe transfer(context) else { return 0 }
  let isTaken = unsafe transfer.receive(Span(_unsafeElements: bytes(pointer, size * count)))
  return isTaken ? size * count : Int(CURL_WRITEFUNC_PAUSE)
}

private func onPrerequest(
  _ context: UnsafeMutableRawPointer?, _ remoteAddress: UnsafeMutablePointer<CChar>?,
  _ localAddress: UnsafeMutablePointer<CChar>?, _ remotePort: Int32, _ localPort: Int32
) -> Int32 {
  let handle = unsafe Unmanaged<TransferHandle>.fromOpaque(context!).takeUnretainedValue()
  let endpoints = KeptConnections.Endpoints(
    localPort: Int(localPort), remotePort: Int(remotePort),
    remoteAddress: unsafe remoteAddress.map { unsafe String(cString: $0) } ?? "")
  return handle.maySend(over: endpoints) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
}

private func onHeaderLine(
  _ pointer: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
  guard let transfer = unsafe transfer(context) else { return 0 }
  let isRead = unsafe transfer.receiveLine(Span(_unsafeElements: bytes(pointer, size * count)))
  // Any other number makes libcurl give up.
  return isRead ? size * count : 0
}
