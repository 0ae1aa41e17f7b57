/// Sends requests to other servers, each on the event loop of the task that asks.
///
/// Connections are kept for later requests, one pool for each loop. Redirects are not followed, and the proxy variables
/// of the environment mean nothing.
package final class HTTPClient: Sendable {
  private let pools: [TransferPool]

  /// - Parameter group: The loops that requests will be sent from.
  package init(group: EventLoopGroup) async throws(TransportError) {
    var pools: [TransferPool] = []
    for loop in group.loops {
      pools.append(try await TransferPool.make(on: loop, loop.isolation))
    }
    self.pools = pools
  }

  /// Sends a request; the answer is read from what is returned.
  ///
  /// - Precondition: The caller runs on a loop of the client's group.
  package func start(_ request: ClientRequest) -> HTTPTransfer {
    guard let pool = pools.first(where: \.loop.isOnLoop) else {
      preconditionFailure("requests are sent from the event loops of the client")
    }
    return pool.start(request)
  }

  /// The loop of the client that the caller runs on.
  package var currentLoop: EventLoop? { pools.first(where: \.loop.isOnLoop)?.loop }

  /// Cuts what is in flight and closes all connections.
  package func shutdown() async {
    for pool in pools { await pool.close(on: pool.loop.isolation) }
  }
}
