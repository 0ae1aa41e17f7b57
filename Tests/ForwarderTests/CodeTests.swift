import Testing

@testable import Forwarder

@Suite struct `What statuses mean` {
  enum Class: String {
    case unavailable, misconfigured, failing, refused
  }

  private static func classify(_ verdict: ExportVerdict) -> Class? {
    switch verdict {
    case .accepted: nil
    case .unavailable: .unavailable
    case .misconfigured: .misconfigured
    case .failing: .failing
    case .refused: .refused
    }
  }

  @Test(
    arguments: [
      (.unavailable, [408, 425, 429, 502, 503, 504]),
      (.refused, [400, 413, 422]),
      (.failing, [500, 505, 507, 599]),
      (.misconfigured, [301, 302, 307, 308, 401, 402, 403, 404, 405, 406, 407, 409, 410, 411, 415, 421, 431, 501]),
    ] as [(Class, [Int])])
  func `of HTTP`(expected: Class, statuses: [Int]) {
    for status in statuses { #expect(Self.classify(.http(status, ExportFault("x"))) == expected, "\(status)") }
  }

  @Test(
    arguments: [
      (.unavailable, [1, 4, 10, 11, 14, 15]),
      (.refused, [3, 6, 8]),
      (.failing, [2, 13]),
      (.misconfigured, [5, 7, 9, 12, 16, 17, 99]),
    ] as [(Class, [Int])])
  func `of gRPC`(expected: Class, statuses: [Int]) {
    for status in statuses { #expect(Self.classify(.grpc(status, ExportFault("x"))) == expected, "\(status)") }
  }

  @Test func `a server that is exhausted and says when to come back is only busy`() {
    let fault = ExportFault("x", retryAfter: .seconds(1))
    #expect(ExportVerdict.grpc(8, fault) == .unavailable(fault))
  }
}

@Suite struct `What a server asks for` {
  @Test(
    arguments: [
      ("0", .zero), ("120", .seconds(120)), ("  7 ", .seconds(7)), ("99999999999999999999", .seconds(1 << 32)),
      ("Sun, 06 Nov 1994 08:50:07 GMT", .seconds(30)), ("Sun, 06 Nov 1994 08:49:07 GMT", .zero),
      ("Wed, 01 Mar 1995 00:00:00 GMT", .seconds(9_904_223)),
      ("", nil), ("soon", nil), ("-1", nil), ("1.5", nil), ("Sun, 06 Nov 1994", nil),
      ("Sun, 06 Foo 1994 08:50:07 GMT", nil),
    ] as [(String, Duration?)])
  func `Retry-After is seconds or a date`(text: String, expected: Duration?) {
    #expect(RetryAfter.parse(text, now: 784_111_777) == expected)
  }

  @Test func `RetryInfo is found among the details of a status`() {
    // Status{code 14, message "busy", details [BadRequest, RetryInfo{1.5 s}]}.
    let retryInfo =
      field(1, Array("type.googleapis.com/google.rpc.RetryInfo".utf8))
      + field(2, field(1, [0x08, 1, 0x10] + varint(500_000_000)))
    let badRequest = field(1, Array("type.googleapis.com/google.rpc.BadRequest".utf8)) + field(2, [0x0A, 0])
    let status = [0x08, 14] + field(2, Array("busy".utf8)) + field(3, badRequest) + field(3, retryInfo)
    let details = StatusDetails(status)
    #expect(details.message == "busy" && details.retryDelay == .milliseconds(1500))
  }

  @Test func `an answer says how many spans were rejected`() {
    let answer = ExportAnswer(field(1, [0x08, 3] + field(2, Array("too old".utf8))))
    #expect(answer.rejectedSpans == 3 && answer.message == "too old")
    #expect(ExportAnswer([]).rejectedSpans == 0)
    #expect(ExportAnswer([0xFF, 0xFF]).rejectedSpans == 0)
  }

  private func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
    [number << 3 | 2] + varint(UInt64(bytes.count)) + bytes
  }

  private func varint(_ value: UInt64) -> [UInt8] {
    value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7F) | 0x80] + varint(value >> 7)
  }
}

@Suite struct `Back-off` {
  @Test func `waits grow by half, up to the longest, and by chance are up to half shorter or longer`() {
    var settings = BackOff.Settings()
    settings.initial = .seconds(4)
    settings.maximum = .seconds(10)
    var backOff = BackOff(settings)
    let waits = (0..<5).map { _ in backOff.next(requested: nil, random: 0.5) }
    #expect(waits == [4, 6, 9, 10, 10].map { .seconds($0) })
    let shortest = backOff.next(requested: nil, random: 0)
    #expect(shortest == .seconds(5))
    backOff.reset()
    let longer = backOff.next(requested: nil, random: 0.75)
    #expect(longer == .seconds(5))
  }

  @Test func `a target can ask for more time, but not for ever`() {
    var backOff = BackOff(BackOff.Settings())
    let waits = [60, 1, 1 << 32].map { backOff.next(requested: .seconds($0), random: 0.5) }
    #expect(waits == [.seconds(60), .milliseconds(7500), .seconds(3600)])
  }

  @Test func `a target is tried with single spans, and trusted with more as it takes them`() {
    var link = TargetLink(largest: 100)
    #expect(link.allowance == 1)
    link.accepted()
    link.accepted()
    #expect(link.allowance == 64)
    link.accepted()
    #expect(link.allowance == 100)
    link.unavailable()
    #expect(link.allowance == 1)
    let failures = (0..<4).map { _ in link.failed() }
    #expect(failures == [false, false, false, true])
    link.accepted()
    let failsAgain = link.failed()
    #expect(!failsAgain)
  }
}
