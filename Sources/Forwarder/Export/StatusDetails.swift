import JSON
import Protobuf

/// `google.rpc.Status`, as far as a sender acts on it.
///
/// `int32 code = 1`, `string message = 2`, `repeated Any details = 3`; `Any`: `string type_url = 1`, `bytes value = 2`.
/// [status.proto](https://github.com/googleapis/googleapis/blob/master/google/rpc/status.proto)
struct StatusDetails {
  var message = ""
  /// `RetryInfo.retry_delay`.
  var retryDelay: Duration?

  /// Reads what it can of a message.
  init(_ bytes: [UInt8]) {
    do throws(ProtobufError) {
      var reader = ProtobufReader(bytes.span)
      while let tag = try reader.nextTag() {
        switch tag {
        case .lengthDelimited(2): message = String(decoding: bytes[try reader.lengthDelimited()], as: UTF8.self)
        case .lengthDelimited(3): try readDetail(bytes, try reader.lengthDelimited())
        default: try reader.skip(tag)
        }
      }
    } catch {
      // What was read before the fault counts: the status says enough.
    }
  }

  /// Reads the value of `grpc-status-details-bin`.
  init?(base64 text: String) {
    var bytes: [UInt8] = []
    guard Base64.appendDecoded(Array(text.utf8).span, to: &bytes) else { return nil }
    self.init(bytes)
  }

  private mutating func readDetail(_ bytes: [UInt8], _ range: Range<Int>) throws(ProtobufError) {
    var reader = ProtobufReader(bytes.span, at: range)
    var isRetryInfo = false
    var value = 0..<0
    while let tag = try reader.nextTag() {
      switch tag {
      case .lengthDelimited(1):
        isRetryInfo = String(decoding: bytes[try reader.lengthDelimited()], as: UTF8.self)
          .hasSuffix("/google.rpc.RetryInfo")
      case .lengthDelimited(2): value = try reader.lengthDelimited()
      default: try reader.skip(tag)
      }
    }
    guard isRetryInfo else { return }
    var info = ProtobufReader(bytes.span, at: value)
    while let tag = try info.nextTag() {
      if tag == .lengthDelimited(1) {
        retryDelay = try Self.duration(bytes, try info.lengthDelimited())
      } else {
        try info.skip(tag)
      }
    }
    if retryDelay == nil { retryDelay = .zero }
  }

  /// `Duration`: `int64 seconds = 1`, `int32 nanos = 2`.
  private static func duration(_ bytes: [UInt8], _ range: Range<Int>) throws(ProtobufError) -> Duration {
    var reader = ProtobufReader(bytes.span, at: range)
    var (seconds, nanoseconds): (Int64, Int64) = (0, 0)
    while let tag = try reader.nextTag() {
      switch tag {
      case .varint(1): seconds = Int64(bitPattern: try reader.varint())
      case .varint(2): nanoseconds = Int64(bitPattern: try reader.varint())
      default: try reader.skip(tag)
      }
    }
    guard (0...1 << 32).contains(seconds), (0..<1_000_000_000).contains(nanoseconds) else { return .zero }
    return .seconds(seconds) + .nanoseconds(nanoseconds)
  }
}
