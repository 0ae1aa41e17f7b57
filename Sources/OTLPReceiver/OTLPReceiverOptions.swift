/// What the receiver accepts.
package struct OTLPReceiverOptions: Sendable {
  /// The largest request, in bytes, both as it comes and decompressed.
  package var requestBytes = 64 << 20
  /// Bytes of requests that are received or decoded at the same time, over all connections.
  package var inFlightBytes = 256 << 20
  /// How deep attribute values may be nested.
  package var attributeDepth = 100
  /// Decodes, and stores nothing; for measuring the receiver alone.
  package var discardsSpans = false
  /// How many large requests are decoded at the same time; half as many very large ones beside them.
  package var decodingThreads = 2
  /// How long a sender is asked to wait when the store cannot take its spans.
  package var retryDelaySeconds = 1

  package init() {}
}
