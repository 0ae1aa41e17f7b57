import Configuration
import Credentials
import GenAI
import LLMProxy
import TraceStore

extension LLMProxyOptions {
  init(_ configuration: LLMConfiguration) throws {
    self.init()
    do {
      recording.redaction = try Redaction(
        pointers: configuration.redact.pointers, patterns: configuration.redact.patterns)
    } catch {
      throw RedactionFailure(cause: error)
    }
    upstreams = configuration.upstreams.map(Upstream.init)
    defaultUpstream = configuration.defaultUpstream.isEmpty ? nil : configuration.defaultUpstream
    trust = Trust(configuration.trustTraceContext)
    sessionHeaders = configuration.sessionHeaders
    drainTime = configuration.drainOnDisconnect
    maximumStreamDuration = configuration.maximumStreamDuration
    requestBytes = configuration.requestBytes
    recording.answerBytes = configuration.recordedAnswerBytes
    recording.recordBytes = configuration.recordBytes
    maximumRequests = configuration.requests
    maximumRequestsPerKey = configuration.requestsPerKey
    allowsNoRecord = configuration.allowsNoRecord
    allowsKeysInPaths = configuration.allowsKeysInPaths
  }
}

extension LLMProxyOptions.Trust {
  init(_ configured: LLMConfiguration.TraceContextTrust) {
    switch configured {
    case .always: self = .always
    case .trusted: self = .trusted
    case .never: self = .never
    }
  }
}

extension SpanProfile {
  init(_ configured: LLMConfiguration.SpanProfile) {
    switch configured {
    case .genai: self = .genai
    case .agl: self = .agl
    }
  }
}

extension Upstream {
  init(_ configured: UpstreamConfiguration) {
    self.init(
      name: configured.name, baseURL: configured.baseURL.description, family: Family(configured.api),
      provider: configured.provider, serverAddress: configured.baseURL.host,
      serverPort: Int(configured.baseURL.port))
    prefix = configured.prefix
    key = configured.apiKey.map { UpstreamKey($0.revealed) }
    models = configured.models.map { ($0.alias, $0.model) }
    asksForTokenIDs = configured.tokenIDs
    asksForLogprobs = configured.logProbabilities
    asksForUsage = configured.includesUsage
    propagatesTraceContext = configured.propagatesTraceContext
    level = RecordingOptions.Level(configured.record)
    certificateFile = configured.caFile.isEmpty ? nil : configured.caFile
    paths = configured.paths
    connectTimeout = configured.connectTimeout
    headTimeout = configured.firstByteTimeout
    idleTimeout = configured.idleTimeout
    retries = configured.retries
  }
}

extension Upstream.Family {
  init(_ configured: UpstreamAPI) {
    switch configured {
    case .openai: self = .openai
    case .anthropic: self = .anthropic
    case .gemini: self = .gemini
    }
  }
}

extension RecordingOptions.Level {
  init(_ configured: UpstreamConfiguration.Record) {
    switch configured {
    case .none: self = .none
    case .metadata: self = .metadata
    case .content: self = .content
    }
  }
}

extension SessionSettings {
  init(_ configuration: LLMConfiguration) {
    self.init()
    limits.lifetime = configuration.sessionKeyLifetime.nanoseconds
    limits.idleTimeout = configuration.sessionIdle.nanoseconds
    mostOpen = configuration.sessions
  }
}

extension Duration {
  fileprivate var nanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
}

/// A rule for what is not to be recorded that cannot be understood: it must not be passed over.
struct RedactionFailure: Error, CustomStringConvertible {
  let cause: RedactionError

  var description: String { "llm.redact: \(cause)" }
}
