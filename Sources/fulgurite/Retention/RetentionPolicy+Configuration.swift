import Configuration
import TraceStore

extension RetentionPolicy {
  init(_ configuration: FulguriteConfiguration) {
    self.init()
    let retention = configuration.retention
    maximumAge = Self.limit(retention.maximumAge)
    valuedAge = Self.limit(retention.valuedMaximumAge)
    maximumBytes = Self.limit(retention.maximumBytes)
    spansPerRollout = Self.limit(retention.maximumSpansPerRollout)
    payloadAfter = Self.limit(retention.payloadAfter)
    packAfter = Self.limit(retention.packAfter)
    forwardLag = configuration.forward.maximumLag
    interval = retention.interval
    clockGrace = retention.clockGrace
    services = retention.services.map { service in
      Service(
        name: service.service, maximumAge: Self.limit(service.maximumAge),
        maximumSpans: Self.limit(service.maximumSpans))
    }
  }

  private static func limit(_ duration: Duration) -> Duration? { duration > .zero ? duration : nil }

  private static func limit(_ count: Int) -> Int? { count > 0 ? count : nil }
}
