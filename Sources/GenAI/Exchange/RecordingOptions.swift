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
  /// Bytes of an answer that are kept for recording: of a JSON body after decoding, of an event stream what its records
  /// add up to.
  package var answerBytes = 8 * 1024 * 1024
  /// What the records of an event stream may add up to at most, which no model writes: text that is kept costs its size
  /// several times while the span is made.
  package var streamTextBytes = 2 * 1024 * 1024
  /// Decoded bytes of an event stream that are read for recording.
  ///
  /// Records are some twenty times as large as what they say, and are forgotten once they are read; this bounds the work
  /// that a compressed stream can cause.
  package var streamBytes = 256 * 1024 * 1024
  /// Bytes of one record of an event stream.
  package var recordBytes = 4 * 1024 * 1024
  /// Larger embedded images, sounds and files become their length and SHA-256.
  ///
  /// Counts the bytes of the base64 text.
  package var blobBytes = 32 * 1024
  /// What is replaced before anything is recorded.
  package var redaction = Redaction()

  package init() {}
}
