import Configuration
import Credentials
import Logging
import Threads

/// The tokens that open each route set; those in files can be read again while the server runs.
final class TokenGate: Sendable {
  /// What requests ask for: the tokens from everywhere.
  private struct Tokens {
    var ingest: TokenSet
    var api: TokenSet
    var llm: TokenSet
    var llmAdmin: TokenSet

    init(_ authentication: AuthConfiguration) {
      ingest = authentication.tokens(of: .ingest)
      api = authentication.tokens(of: .api)
      llm = authentication.tokens(of: .llm)
      llmAdmin = authentication.llmAdmin.all
    }
  }

  private let authentication: Locked<AuthConfiguration>
  private let tokens: Locked<Tokens>

  init(_ authentication: AuthConfiguration) {
    self.authentication = Locked(authentication)
    tokens = Locked(Tokens(authentication))
  }

  /// Who may send spans; no token means anyone.
  var ingest: TokenSet { tokens.withLock { $0.ingest } }

  /// Who may use the APIs; no token means anyone.
  var api: TokenSet { tokens.withLock { $0.api } }

  /// Who may ask LLMs through the proxy; no token means anyone.
  var llm: TokenSet { tokens.withLock { $0.llm } }

  /// Who may start sessions, export trajectories and pause the proxy; no token means whoever is on
  /// this machine, as long as clients need none either.
  var llmAdmin: TokenSet { tokens.withLock { $0.llmAdmin } }

  /// Reads the token files again.
  ///
  /// A token that is in no file any more is refused from the next request on. When something is wrong with a file the
  /// tokens of all files stay as they are, so that a mistake locks nobody out and lets nobody in.
  func readFilesAgain(_ logger: Logger) {
    let current = authentication.withLock { $0 }
    guard current.hasTokenFiles else { return logger.info("no token files to read again") }
    do throws(ConfigurationError) {
      let fresh = try current.readingTokenFilesAgain()
      authentication.withLock { $0 = fresh }
      tokens.withLock { $0 = Tokens(fresh) }
      logger.info(
        "token files read again",
        [
          "auth.ingest": .described(fresh.tokens(of: .ingest)), "auth.api": .described(fresh.tokens(of: .api)),
          "auth.llm": .described(fresh.tokens(of: .llm)), "auth.llm_admin": .described(fresh.llmAdmin.all),
        ])
    } catch {
      logger.error("token files cannot be read again, the former tokens stay", ["cause": .text("\(error)")])
    }
  }
}
