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
    let (bytes, lease) = try await receiveBytes(request)
    let type = request.headers.first("content-type")
    let document = try BodyDocument.read(bytes, contentType: type)
    if let lease {
      guard lease.grow(by: document?.byteCount ?? 0) else { throw Self.overloaded }
      // Until the request is answered.
      request.body.hold(lease)
    }
    return ReceivedBody(bytes: bytes, document: document)
  }

  private static let overloaded = RequestFailure.store(
    StoreError(.overloaded, "too many bytes of requests are in flight"))

  /// Bodies up to this size are collected at once, over HTTP/1, where a connection has one at a time.
  private static let smallBody = 32 << 10

  private func receiveBytes(_ request: HTTPRequest) async throws(RequestFailure)
    -> ([UInt8], InFlightBudget.Lease?)
  {
    let body = request.body
    let limit = options.requestBytes
    if let length = body.declaredLength, length <= Self.smallBody, request.version != .http2 {
      do throws(BodyError) { return (try await body.collect(upTo: limit), nil) } catch { throw .unreadable(error) }
    }
    if let length = body.declaredLength, length > limit { throw .unreadable(.tooLarge(limit: limit)) }
    let lease = InFlightBudget.Lease(budget)
    var bytes: [UInt8] = []
    while let piece = try await next(body) {
      guard bytes.count + piece.count <= limit else { throw .unreadable(.tooLarge(limit: limit)) }
      guard lease.grow(by: piece.count) else { throw Self.overloaded }
      bytes += piece
    }
    return (bytes, lease)
  }

  private func next(_ body: RequestBody) async throws(RequestFailure) -> [UInt8]? {
    do throws(BodyError) { return try await body.next() } catch { throw .unreadable(error) }
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
