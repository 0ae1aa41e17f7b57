/// Finds the name that somebody probably meant.
package enum Spelling {
  /// The candidate closest to a misspelled word.
  ///
  /// - Returns: `nil` when no candidate is close: a third of the word's characters (at least 2) may differ. The first of
  ///   several equally close candidates.
  package static func nearest(to word: String, in candidates: some Sequence<String>) -> String? {
    // An absurdly long word is no misspelling, and the distance costs the product of both lengths.
    guard word.utf8.count <= 256 else { return nil }
    let letters = Array(word.lowercased())
    var best: (name: String, distance: Int)?
    for candidate in candidates {
      let distance = distance(letters, Array(candidate.lowercased()))
      guard distance <= max(2, letters.count / 3), distance < candidate.count else { continue }
      if let best, best.distance <= distance { continue }
      best = (candidate, distance)
    }
    return best?.name
  }

  /// Appended to an error message: `, did you mean "level"?`, or nothing when no candidate is close.
  package static func suggestion(for word: String, in candidates: some Sequence<String>) -> String {
    nearest(to: word, in: candidates).map { ", did you mean \"\($0)\"?" } ?? ""
  }

  /// The number of insertions, deletions, replacements and swaps of neighbours between two words (optimal string
  /// alignment).
  static func distance(_ first: [Character], _ second: [Character]) -> Int {
    var beforePrevious = [Int](repeating: 0, count: second.count + 1)
    var previous = Array(0...second.count)
    for row in first.indices {
      var current = [row + 1]
      for column in second.indices {
        let replacement = previous[column] + (first[row] == second[column] ? 0 : 1)
        var cost = min(replacement, previous[column + 1] + 1, current[column] + 1)
        if row > 0, column > 0, first[row] == second[column - 1], first[row - 1] == second[column] {
          cost = min(cost, beforePrevious[column - 1] + 1)
        }
        current.append(cost)
      }
      (beforePrevious, previous) = (previous, current)
    }
    return previous[second.count]
  }
}
