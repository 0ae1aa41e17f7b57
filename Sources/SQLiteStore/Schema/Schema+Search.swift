extension Schema {
  /// What searches by service and operation need, from version 6 on.
  static let search = """
    """
}
