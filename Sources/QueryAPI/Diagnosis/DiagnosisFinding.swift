/// Something about a rollout that people should know, in plain words.
package struct DiagnosisFinding: Hashable, Sendable {
  package enum Level: String, Sendable {
    /// It keeps the rollout from being used.
    case problem
    case note
  }

  /// A word for programs.
  package var code: String
  package var level: Level
  package var text: String

  init(_ code: String, _ level: Level, _ text: String) {
    self.code = code
    self.level = level
    self.text = text
  }
}
