import CNGHTTP2

/// The server side of one HTTP/2 connection, with nghttp2; without any I/O.
///
/// The owner moves bytes: it passes what it read to ``receive(_:)``, acts on the events, and writes what
/// ``takeOutput(upTo:)`` returns. nghttp2's callbacks only record events.
@safe final class HTTP2Session {
  struct Settings {
    var maximumConcurrentStreams: Int
    var initialStreamWindow: Int
    var connectionWindow: Int
    var maximumFrameSize: Int
    var headerLimits: FieldCollector.Limits
  }

  enum Event: Hashable {
    /// A header section has begun; the connection carries nothing else until it is complete.
    case headersBegan
    case request(stream: Int32, HTTP2RequestHead)
    /// There are as many requests as there may be.
    case surplusRequest(stream: Int32)
    /// The header section was larger than the limits.
    case oversizedRequest(stream: Int32)
    /// The target of the request cannot be read.
    case malformedRequest(stream: Int32)
    /// Bytes of a body, as offsets into the bytes that were given to ``receive(_:)``.
    case data(stream: Int32, Range<Int>)
    /// The client has sent all of a request.
    case requestEnded(stream: Int32)
    /// The last frame of an answer is in the output.
    case answerEnded(stream: Int32)
    case streamClosed(stream: Int32, errorCode: UInt32)
    /// nghttp2 refused a frame, and answers with an error frame.
    case invalidFrame
  }

  // Freed in deinit. nghttp2 keeps an unowned pointer to self, which owns the handle.
  private let handle: OpaquePointer
  private let settings: Settings
  private var events: [Event] = []
  /// The first frame for the client, which is made before there is a client.
  private var greeting: [UInt8] = []
  private var openRequests = 0
  /// Streams over the limit that have not closed yet.
  private var surplus: Set<Int32> = []
  private var incoming: [Int32: HTTP2HeaderCollector] = [:]
  private var outgoing: [Int32: OutgoingBody] = [:]
  /// The bytes of the current call of `receive`; only for offsets.
  private var input: UnsafePointer<UInt8>?
  private var inputCount = 0

  init(settings: Settings) throws(HTTP2Error) {
    self.settings = settings
    unsafe input = nil
    unsafe handle = try Self.makeHandle()
    unsafe nghttp2_session_set_user_data(handle, Unmanaged.passUnretained(self).toOpaque())
    try submitSettings()
  }

  deinit { unsafe nghttp2_session_del(handle) }

  /// How many more streams nghttp2 lets a client open than the client is told.
  ///
  /// A client that keeps to the rules opens none of them, and one that opens so many at once loses the connection.
  private static let tolerance = 256

  private static func makeHandle() throws(HTTP2Error) -> OpaquePointer {
    var callbacks: OpaquePointer?
    try HTTP2Error.check(unsafe nghttp2_session_callbacks_new(&callbacks), "session_callbacks_new")
    defer { unsafe nghttp2_session_callbacks_del(callbacks) }
    unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, onBeginHeaders)
    unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks, onHeader)
    unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, onFrame)
    unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, onData)
    unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, onStreamClose)
    unsafe nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, onFrameSent)
    unsafe nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, onInvalidFrame)
    var option: OpaquePointer?
    try HTTP2Error.check(unsafe nghttp2_option_new(&option), "option_new")
    defer { unsafe nghttp2_option_del(option) }
    // Windows open when a handler takes bytes, not when they arrive: that is the back-pressure.
    unsafe nghttp2_option_set_no_auto_window_update(option, 1)
    // Closed streams are kept by default for priorities, which RFC 9113 has dropped.
    unsafe nghttp2_option_set_no_closed_streams(option, 1)
    var handle: OpaquePointer?
    try HTTP2Error.check(
      unsafe nghttp2_session_server_new2(&handle, callbacks, nil, option), "session_server_new2")
    return unsafe handle!
  }

  private func submitSettings() throws(HTTP2Error) {
    let values: [(UInt32, Int)] = [
      (NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue, settings.maximumConcurrentStreams + Self.tolerance),
      (NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue, settings.initialStreamWindow),
      (NGHTTP2_SETTINGS_MAX_FRAME_SIZE.rawValue, settings.maximumFrameSize),
      (NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue, settings.headerLimits.bytes),
    ]
    let entries = values.map { nghttp2_settings_entry(settings_id: Int32($0.0), value: UInt32(clamping: $0.1)) }
    let status = unsafe entries.withUnsafeBufferPointer {
      unsafe nghttp2_submit_settings(handle, noFlags, $0.baseAddress, $0.count)
    }
    try HTTP2Error.check(status, "submit_settings")
    greeting = try makeGreeting()
    try HTTP2Error.check(
      unsafe nghttp2_session_set_local_window_size(handle, noFlags, 0, Int32(clamping: settings.connectionWindow)),
      "session_set_local_window_size")
  }

  /// Makes the SETTINGS frame with the limit of streams that the client is to keep to.
  ///
  /// When a client has acknowledged a limit and opens one stream more, nghttp2 ends the connection, and with it every
  /// call that it carries. [RFC 9113, 5.1.2](https://www.rfc-editor.org/rfc/rfc9113#section-5.1.2) leaves the choice, and
  /// gRPC clients send a call again whose stream is refused. No option of nghttp2 changes that; so it has a higher limit
  /// than the frame says, and streams between the two are reported as surplus.
  private func makeGreeting() throws(HTTP2Error) -> [UInt8] {
    var start: UnsafePointer<UInt8>?
    let count = unsafe nghttp2_session_mem_send(handle, &start)
    guard count >= 0 else { throw HTTP2Error(code: Int32(count), call: "session_mem_send") }
    var frame = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    // Nine bytes of frame header, then two bytes of name and four of value for each setting.
    let header = 9
    let isLimit = frame[3] == NGHTTP2_SETTINGS.rawValue && frame[header + 1] == 3
    precondition(isLimit, "the first frame is SETTINGS, and its first setting the limit of streams")
    let limit = UInt32(clamping: settings.maximumConcurrentStreams)
    for index in 0..<4 { frame[header + 2 + index] = UInt8(truncatingIfNeeded: limit >> (24 - 8 * index)) }
    return frame
  }

  // MARK: Bytes

  /// Takes bytes from the client, and returns what they meant.
  func receive(_ bytes: Span<UInt8>) throws(HTTP2Error) -> [Event] {
    let consumed = unsafe bytes.withUnsafeBufferPointer { buffer in
      unsafe input = buffer.baseAddress
      inputCount = buffer.count
      defer { unsafe input = nil }
      return unsafe nghttp2_session_mem_recv(handle, buffer.baseAddress, buffer.count)
    }
    guard consumed >= 0 else { throw HTTP2Error(code: Int32(consumed), call: "session_mem_recv") }
    return takeEvents()
  }

  /// Returns bytes for the client, a little more than `limit` at most; empty when there is nothing to send.
  func takeOutput(upTo limit: Int) throws(HTTP2Error) -> [UInt8] {
    var output = greeting
    greeting = []
    while output.count < limit {
      var start: UnsafePointer<UInt8>?
      let count = unsafe nghttp2_session_mem_send(handle, &start)
      guard count >= 0 else { throw HTTP2Error(code: Int32(count), call: "session_mem_send") }
      if count == 0 { break }
      unsafe output.append(contentsOf: UnsafeBufferPointer(start: start, count: count))
    }
    return output
  }

  /// What happened since the last call; ``takeOutput(upTo:)`` makes events too.
  func takeEvents() -> [Event] {
    guard !events.isEmpty else { return [] }
    defer { events.removeAll(keepingCapacity: true) }
    return events
  }

  /// Nothing more is to be read or written: the connection can be closed.
  var isOver: Bool {
    unsafe nghttp2_session_want_read(handle) == 0 && nghttp2_session_want_write(handle) == 0
  }

  // MARK: Requests

  /// Opens the windows of the connection and the stream for as many bytes as a reader took.
  ///
  /// A stream that is closed is no error: the connection's window opens all the same.
  func consume(_ count: Int, stream: Int32) {
    unsafe nghttp2_session_consume(handle, stream, count)
  }

  // MARK: Answers

  /// Answers `100 Continue`, so that the client sends the body.
  func submitContinue(stream: Int32) {
    var block = HeaderBlock()
    block.append(":status", "100")
    unsafe block.withFields { fields, count in
      // Fails only for a stream that is closed, which has been reported.
      _ = unsafe nghttp2_submit_headers(handle, noFlags, stream, nil, fields, count, nil)
    }
  }

  /// Starts an answer.
  ///
  /// - Parameters:
  ///   - body: `nil` when the header section is all of the answer.
  func submitResponse(stream: Int32, _ block: HeaderBlock, body: OutgoingBody?) throws(HTTP2Error) {
    if let body { outgoing[stream] = body }
    let status = unsafe block.withFields { fields, count in
      guard body != nil else { return unsafe nghttp2_submit_response(handle, stream, fields, count, nil) }
      var provider = unsafe nghttp2_data_provider(source: nghttp2_data_source(), read_callback: onRead)
      return unsafe nghttp2_submit_response(handle, stream, fields, count, &provider)
    }
    if status != 0 { outgoing[stream] = nil }
    try HTTP2Error.check(status, "submit_response")
  }

  /// Adds bytes to the body of an answer.
  func appendBody(_ bytes: [UInt8], stream: Int32) { changeBody(of: stream) { $0.append(bytes) } }

  /// Ends the body of an answer.
  func finishBody(stream: Int32, trailers: HTTPHeaders) {
    changeBody(of: stream) { body in
      body.isFinished = true
      body.trailers = trailers
    }
  }

  private func changeBody(of stream: Int32, _ change: (inout OutgoingBody) -> Void) {
    guard outgoing[stream] != nil else { return }
    change(&outgoing[stream]!)
    guard outgoing[stream]!.isDeferred else { return }
    outgoing[stream]!.isDeferred = false
    unsafe nghttp2_session_resume_data(handle, stream)
  }

  /// Bytes of an answer that have not been put into frames yet.
  func pendingBody(stream: Int32) -> Int { outgoing[stream]?.pendingBytes ?? 0 }

  // MARK: Ends

  /// Whether the client may still send on the stream.
  func isRequestOpen(stream: Int32) -> Bool {
    unsafe nghttp2_session_get_stream_remote_close(handle, stream) == 0
  }

  func resetStream(_ stream: Int32, _ code: HTTP2ErrorCode) {
    unsafe nghttp2_submit_rst_stream(handle, noFlags, stream, code.rawValue)
  }

  /// Tells the client to open no more streams; those that are open go on.
  func submitGoAway() {
    let last = unsafe nghttp2_session_get_last_proc_stream_id(handle)
    unsafe nghttp2_submit_goaway(handle, noFlags, last, HTTP2ErrorCode.noError.rawValue, nil, 0)
  }

  /// Ends the connection after a last frame that says why.
  func terminate(_ code: HTTP2ErrorCode) {
    unsafe nghttp2_session_terminate_session(handle, code.rawValue)
  }

  // MARK: Callbacks of nghttp2

  fileprivate func didBeginHeaders(_ stream: Int32) {
    events.append(.headersBegan)
    guard openRequests < settings.maximumConcurrentStreams else {
      surplus.insert(stream)
      return
    }
    openRequests += 1
    incoming[stream] = HTTP2HeaderCollector(limits: settings.headerLimits)
  }

  fileprivate func didReceiveHeader(
    _ stream: Int32, _ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>
  ) {
    unsafe incoming[stream]?.append(name: name, value: value)
  }

  fileprivate func didReceiveHeaders(_ stream: Int32, endsStream: Bool) {
    // Trailers have no collector: they end the request, and nothing reads them.
    if let collector = incoming.removeValue(forKey: stream) {
      if collector.isOverLimit {
        events.append(.oversizedRequest(stream: stream))
      } else if let head = collector.head(endsStream: endsStream) {
        events.append(.request(stream: stream, head))
      } else {
        events.append(.malformedRequest(stream: stream))
      }
    } else if surplus.contains(stream) {
      events.append(.surplusRequest(stream: stream))
    }
    if endsStream { events.append(.requestEnded(stream: stream)) }
  }

  fileprivate func didReceiveData(_ stream: Int32, _ bytes: UnsafeBufferPointer<UInt8>) {
    guard let base = unsafe input, let start = bytes.baseAddress else { return }
    let offset = unsafe base.distance(to: start)
    let range = offset..<offset + bytes.count
    precondition(range.lowerBound >= 0 && range.upperBound <= inputCount, "nghttp2 copied the data")
    events.append(.data(stream: stream, range))
  }

  fileprivate func record(_ event: Event) { events.append(event) }

  fileprivate func didClose(_ stream: Int32, _ errorCode: UInt32) {
    if surplus.remove(stream) == nil { openRequests -= 1 }
    incoming[stream] = nil
    outgoing[stream] = nil
    events.append(.streamClosed(stream: stream, errorCode: errorCode))
  }

  /// Fills a DATA frame.
  ///
  /// - Returns: The number of bytes, or a code of nghttp2.
  fileprivate func fillFrame(_ stream: Int32, _ frame: UnsafeMutableBufferPointer<UInt8>, _ flags: inout UInt32) -> Int
  {
    guard outgoing[stream] != nil else { return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
    let count = unsafe outgoing[stream]!.fill(frame)
    let body = outgoing[stream]!
    guard body.pendingBytes == 0 else { return count }
    guard body.isFinished else {
      if count == 0 { outgoing[stream]!.isDeferred = true }
      return count > 0 ? count : Int(NGHTTP2_ERR_DEFERRED.rawValue)
    }
    flags |= NGHTTP2_DATA_FLAG_EOF.rawValue
    if !body.trailers.isEmpty {
      flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
      submitTrailers(body.trailers, stream: stream)
    }
    return count
  }

  private func submitTrailers(_ trailers: HTTPHeaders, stream: Int32) {
    var block = HeaderBlock()
    for field in trailers.fields { block.append(field.name, field.value) }
    unsafe block.withFields { fields, count in
      _ = unsafe nghttp2_submit_trailer(handle, stream, fields, count)
    }
  }
}

private let noFlags = UInt8(NGHTTP2_FLAG_NONE.rawValue)

// MARK: C callbacks

// nghttp2 calls these inside `receive` and `takeOutput`, while the caller holds the session.
private func session(_ userData: UnsafeMutableRawPointer?) -> HTTP2Session {
  unsafe Unmanaged<HTTP2Session>.fromOpaque(userData!).takeUnretainedValue()
}

private func isRequestHead(_ frame: UnsafePointer<nghttp2_frame>) -> Bool {
  unsafe UInt32(frame.pointee.hd.type) == NGHTTP2_HEADERS.rawValue
    && frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST
}

private func endsStream(_ header: nghttp2_frame_hd) -> Bool {
  let carriesEnd = UInt32(header.type) == NGHTTP2_DATA.rawValue || UInt32(header.type) == NGHTTP2_HEADERS.rawValue
  return carriesEnd && UInt32(header.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0
}

private let onBeginHeaders: nghttp2_on_begin_headers_callback = { _, frame, userData in
  if unsafe isRequestHead(frame!) { unsafe session(userData).didBeginHeaders(frame!.pointee.hd.stream_id) }
  return 0
}

private let onHeader: nghttp2_on_header_callback = { _, frame, name, nameCount, value, valueCount, _, userData in
  unsafe session(userData).didReceiveHeader(
    frame!.pointee.hd.stream_id, UnsafeBufferPointer(start: name, count: nameCount),
    UnsafeBufferPointer(start: value, count: valueCount))
  return 0
}

private let onFrame: nghttp2_on_frame_recv_callback = { _, frame, userData in
  let header = unsafe frame!.pointee.hd
  if UInt32(header.type) == NGHTTP2_HEADERS.rawValue {
    unsafe session(userData).didReceiveHeaders(header.stream_id, endsStream: endsStream(header))
  } else if endsStream(header) {
    unsafe session(userData).record(.requestEnded(stream: header.stream_id))
  }
  return 0
}

private let onData: nghttp2_on_data_chunk_recv_callback = { _, _, stream, bytes, count, userData in
  unsafe session(userData).didReceiveData(stream, UnsafeBufferPointer(start: bytes, count: count))
  return 0
}

private let onStreamClose: nghttp2_on_stream_close_callback = { _, stream, errorCode, userData in
  unsafe session(userData).didClose(stream, errorCode)
  return 0
}

private let onFrameSent: nghttp2_on_frame_send_callback = { _, frame, userData in
  let header = unsafe frame!.pointee.hd
  if endsStream(header) { unsafe session(userData).record(.answerEnded(stream: header.stream_id)) }
  return 0
}

private let onInvalidFrame: nghttp2_on_invalid_frame_recv_callback = { _, _, _, userData in
  unsafe session(userData).record(.invalidFrame)
  return 0
}

private let onRead: nghttp2_data_source_read_callback = { _, stream, frame, count, flags, _, userData in
  unsafe session(userData).fillFrame(stream, UnsafeMutableBufferPointer(start: frame, count: count), &flags!.pointee)
}
