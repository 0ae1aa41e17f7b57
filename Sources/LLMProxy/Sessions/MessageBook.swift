import JSON

/// The messages of an episode, each once.
///
/// Every call of an agent repeats what was said before, so that all calls together are many times as large as what they
/// say. Here a message is a number, and two messages are the same when their numbers are.
struct MessageBook: Sendable {
  /// Each message as JSON.
  private(set) var texts: [[UInt8]] = []
  private var places: [[UInt8]: Int] = [:]

  /// The number of a message, a new one for a new message.
  mutating func place(of message: JSONValue) -> Int {
    var writer = JSONWriter()
    writer.value(message)
    if let place = places[writer.bytes] { return place }
    places[writer.bytes] = texts.count
    texts.append(writer.bytes)
    return texts.count - 1
  }

  mutating func places(of messages: [JSONValue]) -> [Int] { messages.map { place(of: $0) } }
}

/// The calls of an attempt, and what was said in them.
struct Recording: Sendable {
  /// In the order in which they began.
  var interactions: [Interaction] = []
  var messages = MessageBook()
}
