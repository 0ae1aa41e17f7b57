extension TokenSet {
  /// Reads a token file: one hash a line, `#` starts a comment, blank lines count for nothing.
  package init(lines text: String) throws(TokenFileError) {
    var hashes: [TokenHash] = []
    // Lines end in LF or CR LF; a `Character` holds CR LF as one, which `isNewline` knows.
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let content = line.prefix { $0 != "#" }.trimmed
      guard !content.isEmpty else { continue }
      do throws(TokenHashError) {
        hashes.append(try TokenHash(content))
      } catch {
        throw TokenFileError(line: index + 1, cause: error)
      }
    }
    self.init(hashes)
  }
}

/// A line of a token file that is not a hash.
package struct TokenFileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Counts from 1.
  package let line: Int
  /// What is wrong with the line.
  package let cause: TokenHashError

  /// The line and the cause, never the text of the line.
  package var description: String { "line \(line): \(cause)" }
}

extension Substring {
  fileprivate var trimmed: Substring {
    let start = drop(while: \.isWhitespace)
    guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return start[...last]
  }
}
