/// Which spans a call becomes.
package enum SpanProfile: String, Sendable, CaseIterable {
  /// One span by the GenAI conventions.
  case genai
  /// The tree that Agent Lightning's adapters read.
  case agl
}
