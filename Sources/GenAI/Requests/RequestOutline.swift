import JSON

/// What must be known of a request before it is forwarded, found in one pass over its outermost object.
///
/// Nothing inside messages and tools is looked at.
package struct RequestOutline: Sendable, Hashable {
  /// `model`; `nil` when it is no string.
  package private(set) var model: String?
  /// Whether there is more than one member `model`: which of them counts is up to who reads it.
  package private(set) var hasSeveralModels = false
  /// Where the string lies, with its quotation marks.
  package private(set) var modelRange: Range<Int>?
  /// Whether `stream` is `true`.
  package private(set) var isStream = false
  /// Whether `stream_options.include_usage` is `true`.
  package private(set) var includesUsage = false
  /// Where the value of `stream_options` lies.
  package private(set) var streamOptionsRange: Range<Int>?
  /// Where the value of `stream_options.include_usage` lies.
  package private(set) var includeUsageRange: Range<Int>?
  /// Whether there is a member `return_token_ids`.
  package private(set) var hasReturnTokenIDs = false
  /// Whether there is a member `logprobs`.
  package private(set) var hasLogprobs = false
  /// The offset behind the bracket that opens the object.
  package private(set) var start = 0
  private var hasModel = false
  /// Whether the object has no members.
  package private(set) var isEmpty = true

  /// Reads a request.
  ///
  /// - Returns: `nil` for anything but a JSON object. Of members that repeat, the last one counts.
  package init?(_ body: Span<UInt8>) {
    var reader = JSONReader(body)
    do throws(JSONError) {
      guard try reader.nextKind() == .object else { return nil }
      try reader.beginObject()
      start = reader.position
      while let key = try reader.nextKey() {
        isEmpty = false
        try read(key, &reader)
      }
      try reader.finish()
    } catch {
      return nil
    }
  }

  private mutating func read(_ key: JSONString, _ reader: inout JSONReader) throws(JSONError) {
    if reader.text(key, equals: "model") {
      hasSeveralModels = hasModel
      hasModel = true
      try readModel(&reader)
    } else if reader.text(key, equals: "stream") {
      isStream = try Self.isTrue(&reader)
    } else if reader.text(key, equals: "stream_options") {
      try readStreamOptions(&reader)
    } else {
      if reader.text(key, equals: "return_token_ids") { hasReturnTokenIDs = true }
      if reader.text(key, equals: "logprobs") { hasLogprobs = true }
      try reader.skipValue()
    }
  }

  private mutating func readModel(_ reader: inout JSONReader) throws(JSONError) {
    (model, modelRange) = (nil, nil)
    guard try reader.nextKind() == .string else { return try reader.skipValue() }
    let string = try reader.string()
    model = reader.decoded(string)
    modelRange = string.range.lowerBound - 1..<string.range.upperBound + 1
  }

  private mutating func readStreamOptions(_ reader: inout JSONReader) throws(JSONError) {
    (includesUsage, includeUsageRange) = (false, nil)
    let isObject = try reader.nextKind() == .object
    let start = reader.position
    if isObject {
      try reader.beginObject()
      while let key = try reader.nextKey() {
        guard reader.text(key, equals: "include_usage") else {
          try reader.skipValue()
          continue
        }
        _ = try reader.nextKind()
        let valueStart = reader.position
        includesUsage = try Self.isTrue(&reader)
        includeUsageRange = valueStart..<reader.position
      }
    } else {
      try reader.skipValue()
    }
    streamOptionsRange = start..<reader.position
  }

  private static func isTrue(_ reader: inout JSONReader) throws(JSONError) -> Bool {
    if try reader.nextKind() == .bool { return try reader.bool() }
    try reader.skipValue()
    return false
  }
}
