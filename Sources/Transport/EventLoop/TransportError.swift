import CUV
import Glibc

/// A failed call of the operating system or of libuv.
package struct TransportError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What went wrong, as far as a caller can act on it.
  package enum Code: Hashable, Sendable {
    /// Another socket listens at the address.
    case addressInUse
    /// The address belongs to no interface of this machine, or its family is not available.
    case addressNotAvailable
    /// The process may not use the address, such as a port below 1024.
    case permissionDenied
    /// The host is neither an address nor a known name.
    case unknownHost
    /// Anything else; the message says what.
    case other
  }

  package let code: Code
  /// The call that failed, and on what.
  package let operation: String
  /// The system's explanation.
  package let message: String

  package init(code: Code, operation: String, message: String) {
    self.code = code
    self.operation = operation
    self.message = message
  }

  /// Describes an `errno`.
  init(errno code: Int32, operation: String) {
    self.code =
      switch code {
      case EADDRINUSE: .addressInUse
      case EADDRNOTAVAIL, EAFNOSUPPORT: .addressNotAvailable
      case EACCES, EPERM: .permissionDenied
      default: .other
      }
    self.operation = operation
    self.message = unsafe String(cString: strerror(code))
  }

  /// Describes a status of libuv, which is a negated `errno` for everything that this module calls.
  init(uv status: Int32, operation: String) {
    self.init(errno: -status, operation: operation)
  }

  package var description: String { "\(operation): \(message)" }
}
