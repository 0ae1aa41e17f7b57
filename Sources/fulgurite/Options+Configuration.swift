import Configuration
import OTLPReceiver
import SQLiteStore
import TraceStore
import Transport

// What the parts are told of the configuration; they do not know it themselves.

extension SQLiteStoreOptions {
  init(_ configuration: FulguriteConfiguration) {
    self.init()
    durability = configuration.store.durability == .power ? .power : .process
    readers = configuration.store.readers
    queueBytes = configuration.limits.queueBytes
    busyTimeout = configuration.store.busyTimeout
    checkpointBytes = Self.checkpointBytes(configuration)
    queryDeadline = configuration.query.deadline
    watchdogDebounce = configuration.agl.watchdogDebounce
    autoRollout = AutoRollout(configuration.attribution.autoRollout)
    retention = RetentionPolicy(configuration)
    forwards = !configuration.forward.targets.isEmpty
  }

  /// A write-ahead log of the default size would take a large part of a small limit.
  private static func checkpointBytes(_ configuration: FulguriteConfiguration) -> Int {
    let limit = configuration.retention.maximumBytes
    return limit > 0 ? min(configuration.store.checkpointBytes, limit / 16) : configuration.store.checkpointBytes
  }
}

extension AutoRollout {
  init(_ configured: AttributionConfiguration.AutoRollout) {
    switch configured {
    case .off: self = .off
    case .trace: self = .trace
    case .session: self = .session
    }
  }
}

extension OTLPReceiverOptions {
  init(_ configuration: FulguriteConfiguration, loopCount: Int) {
    self.init()
    requestBytes = configuration.limits.requestBytes
    inFlightBytes = configuration.limits.inFlightBytes
    attributeDepth = configuration.limits.attributeDepth
    discardsSpans = configuration.store.discard
    decodingThreads = loopCount
  }
}

extension HTTPServerConfiguration {
  init(_ limits: LimitsConfiguration) {
    self.init()
    headerTimeout = limits.headerTimeout
    bodyTimeout = limits.bodyTimeout
    bodyDeadline = limits.bodyDeadline
    idleTimeout = limits.idleTimeout
    maximumHeaderBytes = limits.headerBytes
    maximumHeaderCount = limits.headers
    maximumConnections = min(limits.connections, ProcessSetup.mostConnections)
    maximumConcurrentStreams = limits.streams
    answerBytes = limits.answerBytes
  }
}
