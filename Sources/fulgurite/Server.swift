import Arguments
import Configuration
import Forwarder
import Glibc
import LLMProxy
import LightningAPI
import Logging
import Metrics
import OTLPReceiver
import QueryAPI
import SQLiteStore
import TraceStore
import Transport

/// The composition root: makes every part, starts from the store outward, stops from the edge inward.
final class Server: Sendable {
  /// Where it listens, by the name of the option.
  let addresses: [String: [SocketAddress]]
  private let store: SQLiteStore
  private let http: HTTPServer
  private let loops: EventLoopGroup
  private let gate: TokenGate
  private let logger: Logger
  private let deadline: Duration
  private let proxy: ProxyParts?
  private let forwarder: Forwarder
  /// Looks for attempts that are late, also when nobody asks.
  private let watchdog: Task<Void, Never>?

  private init(
    addresses: [String: [SocketAddress]], store: SQLiteStore, http: HTTPServer, loops: EventLoopGroup,
    gate: TokenGate, logger: Logger, deadline: Duration, watchdog: Task<Void, Never>?, proxy: ProxyParts?,
    forwarder: Forwarder
  ) {
    self.addresses = addresses
    self.gate = gate
    self.logger = logger
    self.store = store
    self.http = http
    self.loops = loops
    self.deadline = deadline
    self.watchdog = watchdog
    self.proxy = proxy
    self.forwarder = forwarder
  }

  static func start(_ configuration: FulguriteConfiguration, _ logger: Logger) async throws -> Server {
    let store = try SQLiteStore(folder: configuration.data.directory, options: SQLiteStoreOptions(configuration))
    logger.info("store opened", ["path": .text(configuration.data.directory)])
    do {
      return try await start(configuration, logger, store)
    } catch {
      store.close()
      throw error
    }
  }

  private static func start(_ configuration: FulguriteConfiguration, _ logger: Logger, _ store: SQLiteStore)
    async throws -> Server
  {
    let loopCount = loopCount(configuration)
    let loops = try EventLoopGroup(count: loopCount)
    let http = HTTPServer(group: loops, configuration: HTTPServerConfiguration(configuration.limits))
    let registry = MetricsRegistry()
    StoreMetrics.register(store, registry, logger)
    RetentionMetrics.register(store, registry, logger)
    ServerMetrics.register(http, registry)
    let refusals = RefusalLog()
    let budget = InFlightBudget(
      limit: configuration.limits.inFlightBytes, largestRequest: configuration.limits.requestBytes)
    let receiver = OTLPReceiver(
      writer: store, options: OTLPReceiverOptions(configuration, loopCount: loopCount), registry: registry,
      refusals: refusals, logger: logger, budget: budget, now: WallClock.nanosecondsSince1970,
      isStoreHealthy: { store.failure == nil })
    var queryOptions = QueryAPI.Options()
    queryOptions.defaultLimit = configuration.query.defaultLimit
    queryOptions.maximumLimit = configuration.query.maximumLimit
    let gate = TokenGate(configuration.auth)
    let proxy = try await ProxyParts(configuration, store, loops, gate, registry, budget, logger, sleep: sleep(loops))
    let forwarder = try await Forwarder(
      configuration.forward.targets.map(ForwardTarget.init), store: store, loops: loops, version: ProgramVersion.text,
      registry: registry, logger: logger, now: WallClock.nanosecondsSince1970)
    let router = RequestRouter(
      gate: gate, receiver: receiver,
      queries: QueryAPI(
        reader: store, attribution: store, pins: store, refusals: refusals, options: queryOptions, budget: budget,
        now: WallClock.nanosecondsSince1970, sleep: sleep(loops)),
      lightning: lightning(configuration, store, loops, budget, receiver),
      operations: OperationsAPI(registry: registry, failure: { store.failure }), proxy: proxy?.proxy,
      forwarders: ForwarderAPI(forwarder))
    do {
      let addresses = try await listen(configuration, http, router, logger)
      return Server(
        addresses: addresses, store: store, http: http, loops: loops, gate: gate, logger: logger,
        deadline: configuration.shutdown.deadline,
        watchdog: AttemptWatchdog.start(store, loops.loops[0], interval: configuration.agl.watchdogInterval),
        proxy: proxy, forwarder: forwarder)
    } catch {
      await http.shutdown(deadline: .zero)
      await forwarder.stop(within: .zero, sleep: sleep(loops))
      await proxy?.stop()
      await loops.shutdown()
      throw error
    }
  }

  private static func lightning(
    _ configuration: FulguriteConfiguration, _ store: SQLiteStore, _ loops: EventLoopGroup, _ budget: InFlightBudget,
    _ receiver: OTLPReceiver
  ) -> LightningAPI {
    var options = LightningAPI.Options()
    options.requestBytes = configuration.limits.requestBytes
    options.corsOrigins = configuration.agl.corsOrigins
    return LightningAPI(
      reader: store, rollouts: store, options: options, budget: budget,
      didAddSpan: { receiver.countClientSpan(isNew: $0) },
      sleep: sleep(loops))
  }

  /// Sleeps for those who wait; it ends early when the wait is over, or the loop stops.
  private static func sleep(_ loops: EventLoopGroup) -> @Sendable (Duration) async -> Void {
    let loop = loops.loops[0]
    return { try? await loop.sleep(for: $0) }
  }

  private static func listen(
    _ configuration: FulguriteConfiguration, _ http: HTTPServer, _ router: RequestRouter, _ logger: Logger
  ) async throws -> [String: [SocketAddress]] {
    var addresses: [String: [SocketAddress]] = [:]
    for listener in configuration.listeners {
      let name = String(listener.option.split(separator: ".").last ?? "")
      let routeSets = Set(listener.routeSets)
      for address in listener.addresses {
        let bound: [SocketAddress]
        do throws(TransportError) {
          // Calls of the proxy are work of others that goes on; what waits elsewhere waits for this program.
          bound = try await http.listen(
            host: address.host, port: address.port, waitsEndAtShutdown: !routeSets.contains(.llm)
          ) { request in await router.respond(to: request, routeSets) }
        } catch {
          throw ListenFailure(option: listener.option, cause: error)
        }
        addresses[name, default: []] += bound
        for address in bound {
          logger.info("listening", ["option": .text(listener.option), "address": .described(address)])
        }
      }
    }
    return addresses
  }

  private static func loopCount(_ configuration: FulguriteConfiguration) -> Int {
    configuration.loops > 0 ? configuration.loops : max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
  }

  /// Reads again what can change while the server runs: the token files, and how long spans are kept.
  ///
  /// - Parameter load: Reads the configuration anew.
  func reload(_ load: () throws(ConfigurationError) -> FulguriteConfiguration) {
    gate.readFilesAgain(logger)
    do throws(ConfigurationError) {
      let policy = RetentionPolicy(try load())
      store.take(policy)
      logger.info("the options of retention are read again")
    } catch {
      logger.error("the configuration cannot be read again, retention goes on as before", ["cause": .text("\(error)")])
    }
  }

  /// How long requests to targets of forwarding may take at the end; what they do not acknowledge is sent again.
  private static let forwardingGrace = Duration.seconds(2)

  /// Lets what is in flight end within the deadline, and closes the store.
  func stop() async {
    watchdog?.cancel()
    // Those who wait for rollouts and tags would wait on.
    store.finishedRollouts.close()
    store.retags.close()
    store.sessionKeys.endings.close()
    proxy?.proxy.willEnd(after: deadline)
    await http.shutdown(deadline: deadline)
    await watchdog?.value
    await proxy?.stop()
    await forwarder.stop(within: min(deadline, Self.forwardingGrace), sleep: Self.sleep(loops))
    store.close()
    await loops.shutdown()
  }
}

/// An address that cannot be listened on, with the option that asks for it.
struct ListenFailure: Error, CustomStringConvertible {
  var option: String
  /// Names the address.
  var cause: TransportError

  var description: String {
    let owner = cause.code == .addressInUse ? "another program has it, " : ""
    let flag = FulguriteConfiguration.option(at: option)?.flag?.nameAndValue ?? option
    return "\(option): cannot \(cause); \(owner)choose another with \(flag)"
  }
}

/// The wall clock of the machine.
enum WallClock {
  @Sendable static func nanosecondsSince1970() -> Int64 {
    var now = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
  }
}
