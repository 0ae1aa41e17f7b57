package import SQLite
package import TraceStore

extension StoreError {
  /// Says what a failed SQLite call means for callers.
  package init(_ error: SQLiteError) {
    let code: Code =
      switch error.code {
      case .full: .full
      case .readOnly, .permission: .readOnly
      case .busy, .locked: .locked
      case .corrupt, .notADatabase: .corrupt
      case .interrupted: .deadline
      case .constraint, .tooBig: .refused
      default: .inputOutput
      }
    self.init(code, error.description)
  }

  /// Whether the connection that threw this may be used on.
  ///
  /// After an I/O error nobody knows what is in the page cache and in the WAL: the connection is closed, opened anew
  /// and so recovers from what is on the disk.
  var endsConnection: Bool {
    switch code {
    case .full, .locked, .refused, .deadline: false
    default: true
    }
  }
}
