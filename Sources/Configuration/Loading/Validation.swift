internal import Credentials

extension LoadedConfiguration {
  /// Checks what depends on several options.
  func validate() -> [ConfigurationProblem] {
    limitProblems() + retentionProblems() + collisions() + llmProblems() + forwardProblems() + openListeners()
  }

  private func limitProblems() -> [ConfigurationProblem] {
    let pairs = [
      ("limits.in_flight_bytes", values.limits.inFlightBytes, "limits.request_bytes", values.limits.requestBytes),
      ("limits.queue_bytes", values.limits.queueBytes, "limits.request_bytes", values.limits.requestBytes),
      ("query.maximum_limit", values.query.maximumLimit, "query.default_limit", values.query.defaultLimit),
      ("llm.recording_bytes", values.llm.recordingBytes, "llm.recorded_answer_bytes", values.llm.recordedAnswerBytes),
    ]
    return pairs.compactMap { larger, largerValue, smaller, smallerValue in
      guard largerValue < smallerValue else { return nil }
      return problem(larger, "\(largerValue) is less than \(smaller), which is \(smallerValue)")
    }
  }

  private func retentionProblems() -> [ConfigurationProblem] {
    let bytes = values.retention.maximumBytes
    guard bytes > 0, bytes < RetentionConfiguration.leastBytes else { return [] }
    return [problem("retention.max_bytes", "\(bytes) bytes are less than 64MiB, which leaves no room to work in")]
  }

  private func collisions() -> [ConfigurationProblem] {
    var problems: [ConfigurationProblem] = []
    var taken: [(option: String, address: ListenAddress)] = []
    for listener in values.listeners {
      for address in listener.addresses {
        if let other = taken.first(where: { $0.address.collides(with: address) }) {
          problems.append(problem(listener.option, "\(address) is already taken by \(other.option)"))
        }
        taken.append((listener.option, address))
      }
    }
    return problems
  }

  /// Refuses listeners that other machines reach and that anyone may use.
  private func openListeners() -> [ConfigurationProblem] {
    guard !values.listen.insecure else { return [] }
    return values.listeners.flatMap { listener in
      listener.addresses.filter { !$0.isLoopback }.compactMap { address in
        let open = listener.routeSets.filter { values.auth.tokens(of: $0).isEmpty }
        guard !open.isEmpty else { return nil }
        let names = open.map { "auth.\($0.rawValue)" }.joined(separator: " and ")
        return problem(
          listener.option,
          "\(address) can be reached by other machines, but \(names) \(open.count == 1 ? "has" : "have") no tokens; add "
            + open.map { "auth.\($0.rawValue).tokens" }.joined(separator: " and ")
            + ", listen on localhost, or let anyone in with listen.insecure (--insecure-listen)")
      }
    }
  }

  func problem(_ option: String, _ message: String) -> ConfigurationProblem {
    ConfigurationProblem(source: source(of: option), option: option, message: message)
  }
}
