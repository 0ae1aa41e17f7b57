@testable import Transport

/// Reads HTTP/1 requests at once and byte by byte: both have to mean the same.
func fuzzHTTP1(_ bytes: Span<UInt8>) {
  let input = unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
  precondition(readHTTP1(input, step: input.count) == readHTTP1(input, step: 1), "one read and many do not agree")
}

/// What a connection was found to say.
private struct HTTP1Transcript: Equatable {
  var heads: [HTTP1RequestHead] = []
  var body: [UInt8] = []
  var trailers: [HTTPHeaders] = []
  /// The status of the answer to what is no request.
  var failure: Int?
}

private func readHTTP1(_ input: [UInt8], step: Int) -> HTTP1Transcript {
  var transcript = HTTP1Transcript()
  let parser = HTTP1Parser(limits: .init(bytes: 1 << 12, count: 32))
  var position = 0
  while position < input.count {
    let piece = Array(input[position..<min(position + max(1, step), input.count)])
    let (events, outcome) = parser.parse(piece.span)
    for event in events {
      switch event {
      case .head(let head): transcript.heads.append(head)
      case .body(let range): transcript.body += piece[range]
      case .end(let trailers): transcript.trailers.append(trailers)
      }
    }
    switch outcome {
    case .needsMore: position += piece.count
    case .requestEnded(let consumed): position += consumed
    case .failed(let error):
      transcript.failure = error.status
      return transcript
    }
  }
  return transcript
}

/// Speaks HTTP/2 with a client that sends anything, and answers every request.
///
/// The first byte tells in how large pieces the bytes come. What the server sends must stay in proportion.
func fuzzHTTP2(_ bytes: Span<UInt8>) {
  guard let step = bytes.isEmpty ? nil : Int(bytes[0]) + 1 else { return }
  var input = unsafe bytes.extracting(1...).withUnsafeBufferPointer { unsafe Array($0) }
  // Most inputs are more use behind a preface and settings.
  if !input.starts(with: HTTPConnection.preface) {
    input = HTTPConnection.preface + [0, 0, 0, 4, 0, 0, 0, 0, 0] + input
  }
  var conversation = HTTP2Conversation()
  var position = 0
  while position < input.count, !conversation.isOver {
    let piece = Array(input[position..<min(position + step, input.count)])
    conversation.receive(piece)
    position += piece.count
  }
  precondition(conversation.sentBytes <= 4096 + 200 * input.count, "the answer is out of proportion")
}

private struct HTTP2Conversation {
  private let session = try! HTTP2Session(
    settings: .init(
      maximumConcurrentStreams: 16, initialStreamWindow: 1 << 16, connectionWindow: 1 << 17, maximumFrameSize: 1 << 14,
      headerLimits: .init(bytes: 1 << 12, count: 32)))
  private(set) var sentBytes = 0
  private(set) var isOver = false

  mutating func receive(_ piece: [UInt8]) {
    do throws(HTTP2Error) {
      for event in try session.receive(piece.span) { try answer(event, piece) }
      while true {
        let output = try session.takeOutput(upTo: 1 << 14)
        if output.isEmpty { break }
        sentBytes += output.count
      }
      for event in session.takeEvents() { try answer(event, piece) }
      isOver = session.isOver
    } catch {
      isOver = true
    }
  }

  private func answer(_ event: HTTP2Session.Event, _ piece: [UInt8]) throws(HTTP2Error) {
    switch event {
    case .data(let stream, let range):
      precondition(range.upperBound <= piece.count, "a body lies outside of what came")
      session.consume(range.count, stream: stream)
    case .oversizedRequest(let stream), .malformedRequest(let stream): session.resetStream(stream, .protocolError)
    case .surplusRequest(let stream): session.resetStream(stream, .refusedStream)
    case .requestEnded(let stream):
      var block = HeaderBlock()
      block.append(":status", "204")
      try session.submitResponse(stream: stream, block, body: nil)
    default: break
    }
  }
}
