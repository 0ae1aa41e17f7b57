extension String {
  /// The text in lines that are broken between words, and where a word is wider than a line also behind its commas.
  ///
  /// - Parameters:
  ///   - width: The most columns of a line; what cannot be broken may be wider.
  ///   - hanging: By how many columns the lines after the first are indented.
  ///   - start: The column in which the text begins.
  package func wrapped(to width: Int, hanging: Int, startingAt start: Int = 0) -> String {
    var lines = [""]
    var column = start
    for word in split(whereSeparator: \.isWhitespace) {
      for (number, part) in word.parts(fitting: width - hanging).enumerated() {
        let isFirst = lines[lines.count - 1].isEmpty
        let space = isFirst || number > 0 ? "" : " "
        if !isFirst, column + space.count + part.count > width {
          lines.append(String(part))
          column = hanging + part.count
        } else {
          lines[lines.count - 1] += space + part
          column += space.count + part.count
        }
      }
    }
    return lines.joined(separator: "\n" + String(repeating: " ", count: hanging))
  }
}

extension Substring {
  /// The word itself, or when it is too wide its parts, each with its comma: JSON stays what it is when it is broken there.
  fileprivate func parts(fitting width: Int) -> [Substring] {
    guard count > width else { return [self] }
    var parts: [Substring] = []
    var rest = self
    while let comma = rest.firstIndex(of: ",") {
      let end = rest.index(after: comma)
      parts.append(rest[..<end])
      rest = rest[end...]
    }
    return rest.isEmpty ? parts : parts + [rest]
  }
}
