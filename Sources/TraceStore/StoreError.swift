/// Why the store could not do what it was asked for.
package struct StoreError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kinds of failure that callers treat differently.
  package struct Code: Hashable, Sendable, CustomStringConvertible {
    package let description: String
    private init(_ description: String) { self.description = description }

    /// The queue of the writer is full.
    ///
    /// Trying again soon helps.
    package static let overloaded = Code("overloaded")
    /// The disk or a quota is full.
    package static let full = Code("disk_full")
    /// The file or its folder cannot be written to.
    package static let readOnly = Code("read_only")
    /// Another process holds the database.
    package static let locked = Code("locked")
    /// The file is damaged or is no database.
    package static let corrupt = Code("corrupt")
    /// Reading or writing failed.
    package static let inputOutput = Code("io_error")
    /// The store is closing.
    package static let closing = Code("closing")
    /// A query ran past its deadline.
    package static let deadline = Code("deadline")
    /// What was being read was deleted meanwhile.
    package static let gone = Code("gone")
    /// This one batch cannot be stored; others can.
    package static let refused = Code("refused")
    /// The file belongs to another program, or to a newer version of this one.
    package static let incompatible = Code("incompatible")
  }

  package let code: Code
  /// What happened, in lower case, without payloads.
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// Whether the same call can succeed later.
  package var isRetryable: Bool { code != .refused }

  package var description: String { "\(code): \(message)" }
}
