import Arguments
import Configuration
import Glibc
import Logging
import TraceStore
import Transport

/// The command `fulgurite serve`.
enum ServeCommand {
  static func run(_ arguments: ParsedArguments, _ signals: ProcessSignals) async -> Int32 {
    let configuration: FulguriteConfiguration
    let load: @Sendable () throws(ConfigurationError) -> FulguriteConfiguration = { () throws(ConfigurationError) in
      try ConfigurationLoader.load(arguments: arguments, environment: ProcessEnvironment.variables()).values
    }
    do throws(ConfigurationError) {
      configuration = try load()
    } catch {
      StandardError.write("fulgurite: the configuration is wrong:\n\(error)\n")
      return ExitStatus.configuration
    }
    guard configuration.listeners.contains(where: { !$0.addresses.isEmpty }) else {
      StandardError.write(
        "fulgurite: the configuration is wrong:\nevery listener is off, so that nobody could reach the server: set one of "
          + configuration.listeners.map(\.option).joined(separator: ", ") + "\n")
      return ExitStatus.configuration
    }
    let logger = Logger(level: configuration.log.level, format: configuration.log.format)
    logger.info("starting", ["version": .text(ProgramVersion.text)])
    for upstream in configuration.llm.upstreams {
      logger.info(
        "upstream configured",
        [
          "upstream": .text(upstream.name), "host": .text(upstream.baseURL.authority),
          "api": .text(upstream.api.rawValue), "provider": .text(upstream.provider),
        ])
    }
    for target in configuration.forward.targets {
      logger.info(
        "forwarding target configured",
        [
          "target": .text(target.name), "host": .text(target.endpoint.authority),
          "protocol": .text(target.carrier.rawValue),
        ])
    }
    for warning in configuration.warnings { logger.warning(warning) }
    if configuration.limits.connections > ProcessSetup.mostConnections {
      logger.warning(
        "the system's limit of descriptors leaves fewer connections than limits.connections",
        ["connections": .text("\(ProcessSetup.mostConnections)")])
    }
    do {
      let server = try await Server.start(configuration, logger)
      signals.onHangup { server.reload(load) }
      announce(server, configuration)
      let signal = await signals.firstTermination()
      logger.info("stopping", ["signal": .text(signal)])
      await server.stop()
      logger.info("stopped")
      return ExitStatus.success
    } catch let error as StoreError {
      logger.error("cannot start", ["reason": .text(error.code.description), "cause": .text(error.message)])
    } catch {
      logger.error("cannot start", ["cause": .text("\(error)")])
    }
    return ExitStatus.failure
  }

  /// Says where the server is: a line for programs on standard output, a few for people on standard error.
  private static func announce(_ server: Server, _ configuration: FulguriteConfiguration) {
    // Last, because who waits for it may go on at once.
    defer { StandardOutput.write(ReadyLine.json(server, configuration) + "\n") }
    guard configuration.log.format == .text else { return }
    var hints = ""
    if let address = server.addresses["otlp_http"]?.first { hints += spanHint(address) }
    if let address = server.addresses["api"]?.first { hints += apiHint(address) }
    if let address = server.addresses["llm_proxy"]?.first { hints += proxyHint(address, configuration.llm) }
    if !hints.isEmpty { StandardError.write("\n\(hints)\n") }
  }

  private static func spanHint(_ address: SocketAddress) -> String {
    """
    Send spans here:
      export OTEL_EXPORTER_OTLP_ENDPOINT=http://\(address)
      export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf

    """
  }

  private static func apiHint(_ address: SocketAddress) -> String {
    """
    Read them here:
      http://\(address)/api/v1/rollouts
    Agent Lightning's store:
      LightningStoreClient("http://\(address)")

    """
  }

  /// What SDKs read, of the APIs that the upstreams speak; those of Gemini are told in their code.
  private static func proxyHint(_ address: SocketAddress, _ configuration: LLMConfiguration) -> String {
    let apis = Set(configuration.upstreams.map(\.api))
    var hint = ""
    if apis.contains(.openai) { hint += "  export OPENAI_BASE_URL=http://\(address)/v1\n" }
    if apis.contains(.anthropic) { hint += "  export ANTHROPIC_BASE_URL=http://\(address)\n" }
    return hint.isEmpty ? "" : "Ask language models here:\n\(hint)"
  }
}
