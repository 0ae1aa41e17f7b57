import Synchronization
import Threads

/// A server of HTTP/1.1 and HTTP/2 on any number of addresses.
///
/// One acceptor on the group's first loop hands each connection to the loop that has the fewest.
package final class HTTPServer: Sendable {
  private struct State {
    var acceptors: [Acceptor] = []
    var isShutDown = false
  }

  private let group: EventLoopGroup
  private let configuration: HTTPServerConfiguration
  private let counters = ServerCounters()
  private let answers: AnswerBudget
  /// One for each loop of the group, in the same order.
  private let sets: [ConnectionSet]
  private let state = Locked(State())

  package init(group: EventLoopGroup, configuration: HTTPServerConfiguration = HTTPServerConfiguration()) {
    self.group = group
    self.configuration = configuration
    answers = AnswerBudget(limit: configuration.answerBytes)
    let counters = counters
    sets = group.loops.map { ConnectionSet(loop: $0, counters: counters) }
  }

  /// What the server has counted so far.
  package var statistics: HTTPServerStatistics { counters.snapshot }

  /// What answers hold that are rendered and not sent yet, in bytes.
  package var unsentBytes: Int { answers.usedBytes }

  /// Listens at every address of `host`, and has `handler` answer the requests.
  ///
  /// - Parameters:
  ///   - host: A numeric address or a name. `localhost` is 127.0.0.1 and ::1, the latter where IPv6 is available.
  ///   - port: 0 takes a free port, the same one for all addresses of the host.
  ///   - waitsEndAtShutdown: Whether the tasks of requests that are not answered yet are cancelled when the server shuts
  ///     down: for handlers that wait for something to happen. Others go on until the deadline.
  /// - Returns: The addresses, with their ports.
  package func listen(
    host: String, port: UInt16, waitsEndAtShutdown: Bool = true, handler: @escaping HTTPHandler
  ) async throws(TransportError) -> [SocketAddress] {
    let sockets = try bind(host: host, port: port)
    let contexts = group.loops.map {
      ConnectionContext(
        loop: $0, configuration: configuration, counters: counters, answers: answers,
        waitsEndAtShutdown: waitsEndAtShutdown, handler: handler)
    }
    for socket in sockets { try await accept(from: socket, contexts, on: group.loops[0].isolation) }
    return sockets.map(\.address)
  }

  private func bind(host: String, port: UInt16) throws(TransportError) -> [ListeningSocket] {
    var sockets: [ListeningSocket] = []
    for address in try HostResolver.addresses(of: host, port: port) {
      let port = sockets.first?.address.port ?? port
      do throws(TransportError) {
        sockets.append(try ListeningSocket(SocketAddress(family: address.family, host: address.host, port: port)))
      } catch {
        // A machine without IPv6 has no ::1; IPv4 alone is then what the name stands for.
        let isDispensable = !sockets.isEmpty && error.code == .addressNotAvailable
        guard isDispensable else { throw error }
      }
    }
    return sockets
  }

  private func accept(
    from socket: ListeningSocket, _ contexts: [ConnectionContext], on isolation: isolated LoopIsolation
  ) throws(TransportError) {
    let counters = counters
    let acceptor = try Acceptor(
      loop: group.loops[0], socket: socket,
      onAccept: { [weak self] descriptor, peer in self?.add(descriptor, peer, contexts) },
      onPause: { counters.acceptPauses.increment() })
    let isTooLate = state.withLock { state in
      if !state.isShutDown { state.acceptors.append(acceptor) }
      return state.isShutDown
    }
    if isTooLate { acceptor.close {} }
  }

  /// Hands a new connection to a loop.
  private func add(_ descriptor: OwnedDescriptor, _ peer: SocketAddress, _ contexts: [ConnectionContext]) {
    counters.acceptedConnections.increment()
    let open = counters.openConnections.add(1, ordering: .relaxed).newValue
    let isRefused = open > configuration.maximumConnections
    if isRefused { counters.refusedConnections.increment() }
    let index = group.indexOfLeastLoaded
    let (loop, set, context) = (group.loops[index], sets[index], contexts[index])
    loop.load.increment()
    loop.execute { set.add(descriptor, peer: peer, context: context, isRefused: isRefused) }
  }

  /// The part of the time for the end that is left for answers to requests whose bodies have not come in the others.
  private static let partForRefusals = 10

  /// Stops accepting, lets the requests in progress finish, and closes every connection.
  ///
  /// Requests whose bodies are not complete shortly before the deadline are failed, so that their senders are told.
  ///
  /// - Parameter deadline: After this time, what is still open is cut.
  package func shutdown(deadline: Duration) async {
    let acceptors = state.withLock { state in
      defer { state.acceptors = [] }
      state.isShutDown = true
      return state.acceptors
    }
    await close(acceptors, on: group.loops[0].isolation)
    await withTaskGroup { tasks in
      for (loop, set) in zip(group.loops, sets) {
        tasks.addTask { await set.drain(on: loop.isolation) }
      }
      let (loops, sets, timerLoop) = (group.loops, sets, group.loops[0])
      let guillotine = Task {
        let rest = min(deadline / Self.partForRefusals, .seconds(1))
        try await timerLoop.sleep(for: deadline - rest)
        for (loop, set) in zip(loops, sets) { loop.execute { set.refuseBodies() } }
        try await timerLoop.sleep(for: rest)
        for (loop, set) in zip(loops, sets) { loop.execute { set.closeAll() } }
      }
      await tasks.waitForAll()
      guillotine.cancel()
    }
  }

  private func close(_ acceptors: [Acceptor], on isolation: isolated LoopIsolation) async {
    for acceptor in acceptors {
      await withCheckedContinuation { continuation in acceptor.close { continuation.resume() } }
    }
  }
}
