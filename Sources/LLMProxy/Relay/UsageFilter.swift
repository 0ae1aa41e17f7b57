import JSON

/// Takes the record with the usage out of a stream, which the proxy has asked for and the client has not.
///
/// All other records pass as they are. What has come of a record waits until the rest has, as it could be the one.
struct UsageFilter {
  /// A record that grows beyond this is not the one; from then on everything passes.
  private static let longestRecord = 64 * 1024

  private var held: [UInt8] = []
  private var isOver = false

  /// - Returns: What can go to the client.
  mutating func pass(_ bytes: [UInt8]) -> [UInt8] {
    guard !isOver else { return bytes }
    held += bytes
    var passed: [UInt8] = []
    while let end = Self.end(of: held) {
      let record = held[..<end]
      if Self.isUsage(record) {
        // It is the last one but for the end marker.
        isOver = true
      } else {
        passed += record
      }
      held.removeFirst(end)
      if isOver { break }
    }
    if held.count > Self.longestRecord { isOver = true }
    if isOver {
      passed += held
      held = []
    }
    return passed
  }

  /// What is left at the end.
  mutating func finish() -> [UInt8] {
    defer { held = [] }
    return held
  }

  /// The offset behind the blank line that ends the first record.
  private static func end(of bytes: [UInt8]) -> Int? {
    var lineStart = 0
    var index = 0
    while index < bytes.count {
      if bytes[index] == 0x0A {
        let isBlank = index == lineStart || index == lineStart + 1 && bytes[lineStart] == 0x0D
        if isBlank { return index + 1 }
        lineStart = index + 1
      }
      index += 1
    }
    return nil
  }

  /// Whether a record is a chunk without choices and with usage.
  private static func isUsage(_ record: ArraySlice<UInt8>) -> Bool {
    guard let brace = record.firstIndex(of: UInt8(ascii: "{")), record.starts(with: "data:".utf8) else { return false }
    var text = record[brace...]
    while let last = text.last, last == 0x0A || last == 0x0D { text.removeLast() }
    guard let document = try? JSONDocument(parsing: Array(text)), document.kind(JSONDocument.root) == .object,
      let choices = document.member(JSONDocument.root, "choices"), document.kind(choices) == .array,
      let usage = document.member(JSONDocument.root, "usage"), document.kind(usage) == .object
    else { return false }
    return document.elements(choices).allSatisfy { _ in false }
  }
}
