import JSON

// Each gives the new body; the outline does not fit that one any more. All other bytes stay as they are.
extension RequestOutline {
  /// The body with another model; as it is when it names none.
  ///
  /// - Parameter body: The body that the outline was made of.
  package func replacingModel(with model: String, in body: [UInt8]) -> [UInt8] {
    guard let modelRange else { return body }
    var writer = JSONWriter()
    writer.string(model)
    return Self.replacing(modelRange, by: writer.bytes, in: body)
  }

  /// The body with more members, which are put before the others.
  ///
  /// - Parameters:
  ///   - members: Names, and values as JSON. Names that the body has already would then be there twice.
  ///   - body: The body that the outline was made of.
  package func adding(members: [(name: String, json: String)], to body: [UInt8]) -> [UInt8] {
    guard !members.isEmpty else { return body }
    var writer = JSONWriter()
    writer.beginObject()
    for member in members {
      writer.key(member.name)
      writer.json(Array(member.json.utf8).span)
    }
    var text = Array(writer.bytes.dropFirst())
    if !isEmpty { text.append(UInt8(ascii: ",")) }
    return Self.replacing(start..<start, by: text, in: body)
  }

  /// The body with `stream_options.include_usage` set.
  ///
  /// - Parameter body: The body that the outline was made of.
  package func requestingUsage(in body: [UInt8]) -> [UInt8] {
    guard !includesUsage else { return body }
    let options = "{\"include_usage\":true}"
    guard let streamOptionsRange else { return adding(members: [("stream_options", options)], to: body) }
    if let includeUsageRange { return Self.replacing(includeUsageRange, by: Array("true".utf8), in: body) }
    guard body[streamOptionsRange.lowerBound] == UInt8(ascii: "{") else {
      return Self.replacing(streamOptionsRange, by: Array(options.utf8), in: body)
    }
    let inside = body[streamOptionsRange].dropFirst().drop { $0 <= 0x20 }
    let isEmpty = inside.first == UInt8(ascii: "}")
    let start = streamOptionsRange.lowerBound + 1
    let text = "\"include_usage\":true" + (isEmpty ? "" : ",")
    return Self.replacing(start..<start, by: Array(text.utf8), in: body)
  }

  private static func replacing(_ range: Range<Int>, by text: [UInt8], in body: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(body.count - range.count + text.count)
    result += body[..<range.lowerBound]
    result += text
    result += body[range.upperBound...]
    return result
  }
}
