/// Prints names and values in two columns.
enum FieldList {
  /// Renders a line for each of the fields.
  ///
  /// - Parameter areSentences: Whether values may be broken between words where they are wider than the terminal, and
  ///   need not be copied from there.
  static func render(_ fields: [(name: String, value: String)], areSentences: Bool = false) -> String {
    let column = (fields.map { $0.name.count }.max() ?? 0) + 2
    var text = ""
    for (name, value) in fields {
      let value = TextTable.printable(value)
      text += name + String(repeating: " ", count: column - name.count)
      text += (areSentences ? TextTable.wrapped(value, at: column) : value) + "\n"
    }
    return text
  }
}
