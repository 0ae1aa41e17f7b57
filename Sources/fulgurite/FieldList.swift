/// Prints names and values in two columns.
enum FieldList {
  static func render(_ fields: [(name: String, value: String)]) -> String {
    let width = fields.map { $0.name.count }.max() ?? 0
    var text = ""
    for (name, value) in fields {
      text += name + String(repeating: " ", count: width - name.count + 2) + TextTable.printable(value) + "\n"
    }
    return text
  }
}
