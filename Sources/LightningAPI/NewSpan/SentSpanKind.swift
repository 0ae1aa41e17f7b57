import JSON
import OTLP

/// The kind of a span, which Agent Lightning's model has not, but its clients send as one more member.
enum SentSpanKind {
  /// Reads the member `kind`: a number of OTLP, or a name with or without what Python or OTLP write before it.
  ///
  /// - Parameter extras: The keys of the members that the model does not know.
  /// - Returns: 0 when the kind is not known.
  static func number(_ document: JSONDocument, _ extras: [Int]) -> UInt64 {
    guard let key = extras.first(where: { document.string($0, equals: "kind") }) else { return 0 }
    let names = OTLPEnumeration.spanKind.names
    if document.kind(key + 1) == .integer {
      return document.int64(key + 1).flatMap { names.indices.contains(Int($0)) ? UInt64($0) : nil } ?? 0
    }
    guard document.isString(key + 1) else { return 0 }
    var name = document.string(key + 1)
    if name.hasPrefix("SpanKind.") { name = "SPAN_KIND_" + name.dropFirst("SpanKind.".count) }
    if !name.hasPrefix("SPAN_KIND_") { name = "SPAN_KIND_" + name }
    return UInt64(names.firstIndex(of: name) ?? 0)
  }
}
