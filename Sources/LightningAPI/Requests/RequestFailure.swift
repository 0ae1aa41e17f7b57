import APISupport
import TraceStore
import Transport

/// Why a request gets no other answer than an error.
enum RequestFailure: Error {
  /// Its values have the wrong types.
  case invalid([RequestFault])
  /// An answer with this status and text.
  case refused(Int, String)
  /// The body did not come.
  case unreadable(BodyError)
  case store(StoreError)

  init(_ failure: BodyFailure) {
    switch failure {
    case .unreadable(let error): self = .unreadable(error)
    case .overloaded(let error): self = .store(error)
    }
  }

  init(_ fault: RolloutFault) {
    switch fault {
    case .notFound(let message): self = .refused(404, message)
    case .keyReused: self = .refused(422, "The Idempotency-Key was used for another request")
    case .store(let error): self = .store(error)
    }
  }
}
