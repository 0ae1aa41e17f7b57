/// Bounds on a document, because libyaml has none that a configuration should live with.
package enum YAMLLimits {
  /// The largest document, in bytes: a hundred times what a long configuration takes.
  package static let maximumBytes = 1 << 20
  /// How deep sequences and mappings may nest; building the tree takes stack for each level.
  package static let maximumDepth = 64
}
