import Configuration
import Credentials
import Logging
import Threads

/// The tokens that open each route set; those in files can be read again while the server runs.
final class TokenGate: Sendable {
  private let authentication: Locked<AuthConfiguration>
  /// What every request asks for.
  private let tokens: Locked<[RouteSet: TokenSet]>

  init(_ authentication: AuthConfiguration) {
    self.authentication = Locked(authentication)
    tokens = Locked(Self.tokens(of: authentication))
  }

  /// The tokens of a route set; none means that it is open.
  func tokens(of routeSet: RouteSet) -> TokenSet { tokens.withLock { $0[routeSet] } ?? TokenSet() }

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
      tokens.withLock { $0 = Self.tokens(of: fresh) }
      logger.info(
        "token files read again",
        [
          "auth.ingest": .described(fresh.tokens(of: .ingest)), "auth.api": .described(fresh.tokens(of: .api)),
        ])
    } catch {
      logger.error("token files cannot be read again, the former tokens stay", ["cause": .text("\(error)")])
    }
  }

  private static func tokens(of authentication: AuthConfiguration) -> [RouteSet: TokenSet] {
    [.ingest: authentication.tokens(of: .ingest), .api: authentication.tokens(of: .api)]
  }
}
