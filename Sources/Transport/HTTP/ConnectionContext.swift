/// What the connections of one listener on one loop share.
///
/// Unchecked Sendable: `date` is touched on the loop's thread alone, the rest does not change.
final class ConnectionContext: @unchecked Sendable {
  let loop: EventLoop
  let configuration: HTTPServerConfiguration
  let counters: ServerCounters
  /// Whether handlers that have not answered are told when the server shuts down.
  let waitsEndAtShutdown: Bool
  let answers: AnswerBudget
  let handler: HTTPHandler
  var date = DateField()

  init(
    loop: EventLoop, configuration: HTTPServerConfiguration, counters: ServerCounters, answers: AnswerBudget,
    waitsEndAtShutdown: Bool, handler: @escaping HTTPHandler
  ) {
    self.loop = loop
    self.configuration = configuration
    self.counters = counters
    self.waitsEndAtShutdown = waitsEndAtShutdown
    self.answers = answers
    self.handler = handler
  }
}
