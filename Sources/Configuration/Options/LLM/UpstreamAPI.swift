/// The family of APIs that an upstream speaks.
package enum UpstreamAPI: String, CaseIterable, Sendable {
  case openai
  case anthropic
  case gemini

  /// What a host is known for; most servers speak OpenAI's.
  init(host: String) {
    switch host {
    case _ where isDomain("anthropic.com", of: host): self = .anthropic
    case "generativelanguage.googleapis.com": self = .gemini
    default: self = .openai
    }
  }
}

/// Whether a host is a domain or lies below it.
func isDomain(_ domain: String, of host: String) -> Bool { host == domain || host.hasSuffix("." + domain) }
