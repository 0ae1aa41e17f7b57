import JSON
import Transport

/// Makes an object of the parameters of a URL, so that one reader serves both ways to ask.
enum QueryDocument {
  /// The parameters that are lists: each occurrence is an element.
  ///
  /// Of others the last occurrence counts.
  private static let lists = ["status_in", "rollout_id_in", "mode_in"]

  static func make(_ query: String?) -> JSONDocument {
    let parameters = PercentEncoding.parameters(query)
    var writer = JSONWriter()
    writer.beginObject()
    for (name, value) in parameters where !lists.contains(name) {
      writer.key(name)
      writer.string(value)
    }
    for name in lists where parameters.contains(where: { $0.name == name }) {
      writer.key(name)
      writer.beginArray()
      for parameter in parameters where parameter.name == name { writer.string(parameter.value) }
      writer.endArray()
    }
    writer.endObject()
    guard let document = try? JSONDocument(parsing: writer.bytes) else {
      preconditionFailure("what the writer has written is JSON")
    }
    return document
  }
}
