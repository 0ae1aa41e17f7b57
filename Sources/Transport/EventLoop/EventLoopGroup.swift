import Synchronization

/// The event loops of the process.
package final class EventLoopGroup: Sendable {
  /// The loops; the first one accepts connections for all.
  package let loops: [EventLoop]

  /// Starts `count` loops, one per core as a rule.
  ///
  /// - Precondition: `count` is positive.
  package init(count: Int) throws(TransportError) {
    precondition(count > 0, "a group needs a loop")
    var loops: [EventLoop] = []
    for index in 0..<count { loops.append(try EventLoop(name: "loop-\(index)")) }
    self.loops = loops
  }

  /// The index of the loop with the fewest connections; the first of several.
  var indexOfLeastLoaded: Int {
    var best = (index: 0, load: loops[0].load.load(ordering: .relaxed))
    for index in loops.indices.dropFirst() {
      let load = loops[index].load.load(ordering: .relaxed)
      if load < best.load { best = (index, load) }
    }
    return best.index
  }

  /// Stops every loop, after the servers on them have been shut down.
  package func shutdown() async {
    for loop in loops { await loop.stop() }
  }
}
