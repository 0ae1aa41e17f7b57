/// One log line before it is written.
struct LogLine {
  let time: Timestamp
  let level: LogLevel
  let message: String
  let fields: LogFields

  /// The bytes of the line, with its line feed.
  func rendered(as format: LogFormat) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(256)
    switch format {
    case .text: appendText(to: &bytes)
    case .json: appendJSON(to: &bytes)
    }
    bytes.append(UInt8(ascii: "\n"))
    return bytes
  }

  private func appendText(to bytes: inout [UInt8]) {
    time.append(to: &bytes)
    bytes.append(UInt8(ascii: " "))
    bytes.append(contentsOf: level.name.utf8)
    // The longest name has 7 letters; messages start in one column.
    bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 8 - level.name.utf8.count))
    bytes.appendEscaped(message)
    for (name, value) in fields.elements {
      bytes.append(UInt8(ascii: " "))
      bytes.appendEscaped(name)
      bytes.append(UInt8(ascii: "="))
      if case .text(let text) = value, text.needsQuotes {
        bytes.appendQuoted(text)
      } else {
        bytes.appendEscaped(value.text)
      }
    }
  }

  private func appendJSON(to bytes: inout [UInt8]) {
    bytes.append(contentsOf: #"{"time":""#.utf8)
    time.append(to: &bytes)
    bytes.append(contentsOf: #"","level":"\#(level.name)","message":"#.utf8)
    bytes.appendQuoted(message)
    for (name, value) in fields.elements {
      bytes.append(UInt8(ascii: ","))
      bytes.appendQuoted(name)
      bytes.append(UInt8(ascii: ":"))
      if value.isBareInJSON {
        bytes.append(contentsOf: value.text.utf8)
      } else {
        bytes.appendQuoted(value.text)
      }
    }
    bytes.append(UInt8(ascii: "}"))
  }
}

extension LogValue {
  fileprivate var text: String {
    switch self {
    case .text(let text): text
    case .integer(let value): String(value)
    case .unsigned(let value): String(value)
    case .number(let value): value.description
    case .boolean(let value): value ? "true" : "false"
    case .duration(let value): (value / .seconds(1)).description
    }
  }

  /// JSON has no spelling for infinity and for what is not a number.
  fileprivate var isBareInJSON: Bool {
    switch self {
    case .text: false
    case .number(let value): value.isFinite
    case .integer, .unsigned, .boolean, .duration: true
    }
  }
}

extension String {
  /// Whether a reader could not tell where the value ends, or would take an escape for the text itself.
  fileprivate var needsQuotes: Bool {
    isEmpty
      || unicodeScalars.contains { scalar in
        switch scalar {
        case "\"", "\\", "=", " ": true
        case "!"..."~": false
        default: scalar.properties.isWhitespace || scalar.properties.generalCategory == .control
        }
      }
  }
}
