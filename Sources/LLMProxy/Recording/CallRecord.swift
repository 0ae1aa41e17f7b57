import GenAI
import Synchronization
import Telemetry
import Transport

/// One call while it is recorded: what the relay hands over, and what the recorder makes of it.
///
/// Unchecked Sendable: the first part is touched on the call's loop until the record is finished, the second on the
/// recorder's thread alone.
final class CallRecord: @unchecked Sendable {
  /// What is handed over at once: one step through the recorder's lock for a short answer, a few for a long one.
  struct Part: Sendable {
    /// What the recorder must know of the head of the answer.
    struct Head: Sendable {
      var status: Int
      var contentType: String?
      var contentEncoding: String?
    }

    var head: Head?
    var pieces: [[UInt8]] = []
    var byteCount = 0
    /// The memory that the pieces hold.
    var lease: RecordingMemory.Lease
    /// Bytes of the answer are missing behind the pieces.
    var isCut = false
    /// Set when the call is over.
    var end: ExchangeEnd?
  }

  /// Bytes of an answer that are collected before they are handed over: a stream of small records costs the recorder's
  /// lock only now and then.
  private static let handOverSize = 16 * 1024
  /// What is read of an answer that says it is larger than what may be recorded.
  private static let prefixSize = 64 * 1024
  /// Bytes of one stream that wait for the recorder: more than any model writes, but not what a file server sends.
  private static let waitingLimit = 2 << 20

  let upstream: Upstream
  let api: ProviderAPI
  let path: String
  let requestBody: [UInt8]
  let options: RecordingOptions
  let tag: RolloutTag
  private let recorder: Recorder
  private let lease: RecordingMemory.Lease

  // MARK: The loop's part

  private(set) var context: CallContext
  /// What waits to be handed over.
  ///
  /// The pieces of a stream hold memory until they are read; other answers are kept whole until their end.
  private var part: Part
  private var isEventStream = false
  /// Bytes that were handed over and are not read yet; the recorder takes them off.
  let waitingBytes = Atomic<Int>(0)
  /// Bytes of the answer that were taken.
  private var takenBytes = 0
  private var takeLimit: Int
  private var isCut = false
  private var hasBegun = false
  private var isFinished = false

  // MARK: The recorder's part

  var reader: ExchangeReader?
  /// Set when the call is over.
  var exchange: Exchange?
  /// The number of the call inside its rollout; `nil` when the store is to issue one.
  var sequence: Int64?
  var waitsForSequence: Bool
  /// Tells calls apart that are over.
  var serial: UInt64 = 0

  init(
    _ upstream: Upstream, _ api: ProviderAPI, path: String, requestBody: [UInt8], _ context: CallContext,
    _ tag: RolloutTag, options: RecordingOptions, waitsForSequence: Bool, recorder: Recorder,
    lease: RecordingMemory.Lease
  ) {
    self.upstream = upstream
    self.api = api
    self.path = path
    self.requestBody = requestBody
    self.context = context
    self.tag = tag
    self.options = options
    self.waitsForSequence = waitsForSequence
    self.recorder = recorder
    self.lease = lease
    part = Part(lease: lease)
    takeLimit = options.answerBytes
  }

  /// Notes the head of the answer; a second one is passed over.
  func begin(_ response: ClientResponse) {
    guard !hasBegun else { return }
    hasBegun = true
    let type = response.headers.first("content-type")
    isEventStream = type?.lowercased().hasPrefix("text/event-stream") == true
    if isEventStream {
      takeLimit = options.streamBytes
      part.lease = RecordingMemory.Lease(recorder.memory)
    } else if let length = response.headers.first("content-length").flatMap({ Int($0) }), length > takeLimit {
      takeLimit = min(takeLimit, Self.prefixSize)
    }
    part.head = Part.Head(
      status: response.status, contentType: type, contentEncoding: response.headers.first("content-encoding"))
  }

  /// Notes bytes of the answer.
  func receive(_ bytes: [UInt8], at time: Int64) {
    if context.firstByteTime == nil { context.firstByteTime = time }
    guard !isCut else { return }
    let isTooFast = isEventStream && waitingBytes.load(ordering: .relaxed) > Self.waitingLimit
    guard takenBytes < takeLimit, !isTooFast, part.lease.grow(by: bytes.count) else {
      // With a hole in it, the rest would not be what was said.
      isCut = true
      part.isCut = true
      return
    }
    takenBytes += bytes.count
    part.pieces.append(bytes)
    part.byteCount += bytes.count
    if part.byteCount >= Self.handOverSize { handOver() }
  }

  private func handOver() {
    waitingBytes.wrappingAdd(part.byteCount, ordering: .relaxed)
    recorder.post(.part(self, part))
    part = Part(lease: isEventStream ? RecordingMemory.Lease(recorder.memory) : lease)
  }

  /// Notes the end of the call; a second one is passed over.
  func finish(_ end: ExchangeEnd, at time: Int64, resendCount: Int = 0) {
    guard !isFinished else { return }
    isFinished = true
    context.endTime = max(time, context.startTime)
    context.resendCount = resendCount
    part.end = end
    handOver()
  }
}
