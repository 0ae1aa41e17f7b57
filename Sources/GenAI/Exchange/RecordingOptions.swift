/// What of an exchange goes into its span.
package struct RecordingOptions: Sendable {
  /// How much is recorded.
  package enum Level: String, Sendable, CaseIterable {
    /// No span at all.
    case none
    /// A span without what was said.
    case metadata
    /// All of it.
    case content
  }

  package var level = Level.content
  /// Decoded bytes of an answer that are read for recording.
  package var answerBytes = 8 * 1024 * 1024
  /// Bytes of one record of an event stream.
  package var recordBytes = 8 * 1024 * 1024
  /// Larger embedded images, sounds and files become their length and SHA-256.
  package var blobBytes = 32 * 1024

  package init() {}
}
