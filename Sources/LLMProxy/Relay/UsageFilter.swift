import GenAI
import JSON

/// Takes the records with the usage out of an event stream, which the proxy has asked for and the client has not.
///
/// All other bytes pass as they are, whatever the pieces are in which they come. What has come of a record waits until the
/// rest has, as it could be the one; nothing waits for longer. Lines end as ``EventStreamParser`` has it: with LF, CRLF or
/// CR.
struct UsageFilter {
  /// A record that grows beyond this is not the one, and passes while it comes.
  private static let longestRecord = 64 * 1024
  private static let lineFeed: UInt8 = 0x0A
  private static let carriageReturn: UInt8 = 0x0D

  /// What has come of a record that has not ended.
  private var held: [UInt8] = []
  /// Whether the record at hand is too long, and what has come of it has passed.
  private var isTooLong = false
  private var isLineEmpty = true
  /// Whether the last byte was a CR; an LF that follows belongs to it.
  private var isBehindCarriageReturn = false
  private var isFirstRecord = true
  private var isLastRecordHidden = false

  /// - Returns: What can go to the client.
  mutating func pass(_ bytes: [UInt8]) -> [UInt8] {
    var passed: [UInt8] = []
    passed.reserveCapacity(held.count + bytes.count)
    var start = 0
    for index in bytes.indices {
      let byte = bytes[index]
      let isSecondHalf = byte == Self.lineFeed && isBehindCarriageReturn
      isBehindCarriageReturn = byte == Self.carriageReturn
      if isSecondHalf {
        // Behind a record that has passed, or not, with the CR of its blank line.
        guard start == index, held.isEmpty, !isTooLong else { continue }
        start = index + 1
        if !isLastRecordHidden { passed.append(byte) }
      } else if byte != Self.lineFeed, byte != Self.carriageReturn {
        isLineEmpty = false
      } else if isLineEmpty {
        take(bytes[start...index], &passed)
        end(&passed)
        start = index + 1
      } else {
        isLineEmpty = true
      }
    }
    take(bytes[start...], &passed)
    return passed
  }

  /// What is left at the end.
  mutating func finish() -> [UInt8] {
    defer { held = [] }
    var parser = EventStreamParser(recordBytes: Self.longestRecord, isStart: isFirstRecord)
    parser.push(held.span) { _ in }
    // Some clients take a record without its blank line.
    return Self.isUsage(parser.unfinishedData) ? [] : held
  }

  /// Takes more of the record at hand.
  private mutating func take(_ bytes: ArraySlice<UInt8>, _ passed: inout [UInt8]) {
    if isTooLong {
      passed += bytes
      return
    }
    held += bytes
    // By its length alone: what passes must not depend on the pieces.
    guard held.count > Self.longestRecord else { return }
    isTooLong = true
    passed += held
    held = []
  }

  /// The record at hand has ended.
  private mutating func end(_ passed: inout [UInt8]) {
    var data: [UInt8] = []
    var parser = EventStreamParser(recordBytes: Self.longestRecord, isStart: isFirstRecord)
    parser.push(held.span) { data = $0 }
    isLastRecordHidden = Self.isUsage(data)
    if !isLastRecordHidden { passed += held }
    held.removeAll(keepingCapacity: true)
    isTooLong = false
    isFirstRecord = false
  }

  /// Whether the data of a record is a chunk without choices and with usage.
  private static func isUsage(_ data: [UInt8]) -> Bool {
    guard !data.isEmpty, let document = try? JSONDocument(parsing: data), document.kind(JSONDocument.root) == .object,
      let choices = document.member(JSONDocument.root, "choices"), document.kind(choices) == .array,
      let usage = document.member(JSONDocument.root, "usage"), document.kind(usage) == .object
    else { return false }
    // An error is not ours to hide.
    let hasError = document.member(JSONDocument.root, "error").map { document.kind($0) != .null } ?? false
    return !hasError && document.elements(choices).allSatisfy { _ in false }
  }
}
