import APISupport
import JSON
import TraceStore
import Transport

/// The body of a request.
struct ReceivedBody: Sendable {
  /// As it was sent.
  var bytes: [UInt8]
  /// What it says; `nil` when it is empty or says `null`.
  var document: JSONDocument?

  /// - Throws: When there is none.
  func required() throws(RequestFailure) -> JSONDocument {
    if let document { return document }
    var fault = RequestFault.missing
    fault.location = [.name("body")]
    throw .invalid([fault])
  }
}

extension LightningAPI {
  /// Waits for the body and reads it.
  func receive(_ request: HTTPRequest) async throws(RequestFailure) -> ReceivedBody {
    let received: ReceivedBytes
    do throws(BodyFailure) {
      received = try await BodyReceiver.receive(request, upTo: options.requestBytes, budget)
    } catch {
      throw RequestFailure(error)
    }
    let document = try BodyDocument.read(received.bytes, contentType: request.headers.first("content-type"))
    do throws(BodyFailure) { try received.hold(document?.byteCount ?? 0) } catch { throw RequestFailure(error) }
    return ReceivedBody(bytes: received.bytes, document: document)
  }

  /// Reads the model of a body.
  func parse<Model>(_ document: JSONDocument, _ read: (inout RequestReader) -> Model) throws(RequestFailure) -> Model {
    var reader = RequestReader(body: document)
    let model = read(&reader)
    try reader.check()
    return model
  }

  /// Refuses members that are null and must not be.
  func refuseNull(_ document: JSONDocument, _ names: [StaticString]) throws(RequestFailure) {
    for name in names {
      guard let place = document.member(JSONDocument.root, name), document.kind(place) == .null else { continue }
      throw .refused(400, "\(name) is invalid; it cannot be a null value.")
    }
  }

  /// The reader of a query, which is the body of a POST or stands in the URL of a GET.
  func queryReader(_ request: HTTPRequest) async throws(RequestFailure) -> RequestReader {
    if request.method == .get { return RequestReader(query: QueryDocument.make(request.query)) }
    return RequestReader(body: try await receive(request).required())
  }

  /// Reads the store.
  func read<Value: Sendable>(
    _ body: @escaping @Sendable (any ReadSession) throws(StoreError) -> Value
  ) async throws(RequestFailure) -> Value {
    do throws(StoreError) { return try await reader.read(body) } catch { throw .store(error) }
  }

  /// Reads the store after a look for attempts that are late, which AGL's store does before most of what it answers.
  ///
  /// AGL store contract, section 6. When the look fails, because nothing can be written at the moment, what is stored
  /// can be read nevertheless; the next reader looks again.
  func readAfterWatchdog<Value: Sendable>(
    _ body: @escaping @Sendable (any ReadSession) throws(StoreError) -> Value
  ) async throws(RequestFailure) -> Value {
    try? await rollouts.findLateAttempts()
    return try await read(body)
  }

  /// Changes the store.
  func write<Value>(_ body: () async throws(RolloutFault) -> Value) async throws(RequestFailure) -> Value {
    do throws(RolloutFault) { return try await body() } catch { throw RequestFailure(error) }
  }
}
