extension [UInt8] {
  /// The longest text of one message or value, in bytes; what is beyond is cut off and marked with `…`.
  ///
  /// A line below 4 KiB (`PIPE_BUF`) reaches a pipe in one piece; most lines are far below.
  private static let maximumTextBytes = 2048

  /// Appends a text with everything escaped that could start a new line, move a terminal's cursor or reorder what is
  /// shown, so that input cannot forge log lines.
  ///
  /// The escapes are those of JSON, so the text may stand between quotes.
  mutating func appendEscaped(_ text: String) {
    // Nearly all texts are short and plain, and need no look at each character's properties.
    if text.utf8.count <= Self.maximumTextBytes, text.utf8.allSatisfy(\.isPlainInLogs) {
      append(contentsOf: text.utf8)
      return
    }
    let end = count + Self.maximumTextBytes
    for scalar in text.unicodeScalars {
      guard count < end else {
        append(contentsOf: "…".utf8)
        return
      }
      appendEscaped(scalar)
    }
  }

  mutating func appendQuoted(_ text: String) {
    append(UInt8(ascii: "\""))
    appendEscaped(text)
    append(UInt8(ascii: "\""))
  }

  private mutating func appendEscaped(_ scalar: Unicode.Scalar) {
    switch scalar {
    case "\"": append(contentsOf: #"\""#.utf8)
    case "\\": append(contentsOf: #"\\"#.utf8)
    case "\n": append(contentsOf: #"\n"#.utf8)
    case "\r": append(contentsOf: #"\r"#.utf8)
    case "\t": append(contentsOf: #"\t"#.utf8)
    case _ where scalar.isDangerousInLogs: appendCodeUnits(of: scalar)
    // Every scalar has an encoding: `Unicode.Scalar` excludes surrogates.
    default: append(contentsOf: UTF8.encode(scalar)!)
    }
  }

  private mutating func appendCodeUnits(of scalar: Unicode.Scalar) {
    for unit in UTF16.encode(scalar)! {
      let digits = String(unit, radix: 16)
      append(contentsOf: #"\u"#.utf8)
      append(contentsOf: repeatElement(UInt8(ascii: "0"), count: 4 - digits.utf8.count))
      append(contentsOf: digits.utf8)
    }
  }
}

extension UInt8 {
  /// Printable ASCII that has no meaning of its own, the space included.
  fileprivate var isPlainInLogs: Bool {
    (0x20...0x7E).contains(self) && self != UInt8(ascii: "\"") && self != UInt8(ascii: "\\")
  }
}

extension Unicode.Scalar {
  /// Control characters, line separators, and the invisible characters that change the direction of text
  /// ([Trojan Source](https://trojansource.codes)).
  fileprivate var isDangerousInLogs: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: true
    default: false
    }
  }
}
