/// Services as they are stored, and as Jaeger shows them.
enum ServiceNames {
  /// What is shown for a stored name.
  static func shown(_ name: String?) -> String {
    guard let name else { return ShownService.missingText.description }
    return name.isEmpty ? ShownService.emptyText.description : name
  }

  /// The stored names that are shown like this; `nil` among them stands for spans without one.
  ///
  /// The index does not tell a name of the wrong type from none.
  static func stored(_ name: String) -> [String?] {
    switch name {
    case ShownService.missingText.description, ShownService.wrongTypeText.description: [name, nil]
    case ShownService.emptyText.description: [name, ""]
    default: [name]
    }
  }
}
