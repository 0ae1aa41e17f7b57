import Testing
import Threads

@testable import Transport

/// Runs `body` on a loop, with a client, against a server with this handler.
private func withClient(
  loops: Int = 1, _ configure: (inout HTTPServerConfiguration) -> Void = { _ in },
  handler: @escaping HTTPHandler = echo,
  _ body: @escaping @Sendable (HTTPClient, String, HTTPServer) async throws -> Void
) async throws {
  try await withServer(loops: 1, configure, handler: handler) { server, address in
    let group = try EventLoopGroup(count: loops)
    let client = try await HTTPClient(group: group)
    let base = "http://127.0.0.1:\(address.port)"
    let task = Task(executorPreference: group.loops[0]) { try await body(client, base, server) }
    let result = await task.result
    await client.shutdown()
    await group.shutdown()
    try result.get()
  }
}

extension HTTPTransfer {
  /// The whole body.
  fileprivate func rest() async throws(ClientError) -> [UInt8] {
    var bytes: [UInt8] = []
    while let piece = try await next() { bytes += piece }
    return bytes
  }
}

/// Counts from any thread.
private final class Tally: Sendable {
  private let count = Locked(0)
  var value: Int { count.withLock { $0 } }
  func increment() { count.withLock { $0 += 1 } }
}

@Suite(.timeLimit(.minutes(5))) struct HTTPClientTests {
  @Test(arguments: ["GET", "POST", "PUT", "DELETE", "PATCH"])
  func sendsMethodAndBody(method: String) async throws {
    try await withClient { client, base, _ in
      let body = method == "GET" ? nil : Array("hello".utf8)
      let transfer = client.start(ClientRequest(method: method, url: base + "/a/%2F?x=1", body: body))
      let head = try await transfer.head()
      #expect(head.status == 200)
      #expect(head.reason == "OK")
      #expect(head.headers.first("date") != nil)
      let expected = "\(method) /a/%2F \(body == nil ? "" : "hello")"
      #expect(String(decoding: try await transfer.rest(), as: UTF8.self) == expected)
    }
  }

  @Test func sendsTheFieldsThatItIsGivenAndNoOthers() async throws {
    let seen = Locked<HTTPHeaders>([:])
    try await withClient(handler: { request in
      seen.withLock { $0 = request.headers }
      return HTTPResponse(status: 200)
    }) { client, base, _ in
      var request = ClientRequest(method: "POST", url: base, body: [])
      request.headers = ["x-empty": "", "x-twice": "1", "x-twice": "2", "user-agent": "test"]
      _ = try await client.start(request).head()
    }
    let names = seen.withLock { $0.fields.map(\.name) }
    #expect(names.sorted() == ["content-length", "host", "user-agent", "x-empty", "x-twice", "x-twice"])
    #expect(seen.withLock { $0.all("x-twice") } == ["1", "2"])
  }

  @Test func keepsStatusReasonAndFieldsOfAnErrorAnswer() async throws {
    try await withClient(handler: { _ in
      var response = HTTPResponse(status: 529, headers: ["retry-after": "3"], body: .bytes(Array("{}".utf8)))
      response.reason = "Overloaded just now"
      return response
    }) { client, base, _ in
      let transfer = client.start(ClientRequest(method: "GET", url: base))
      let head = try await transfer.head()
      #expect(head.status == 529)
      #expect(head.reason == "Overloaded just now")
      #expect(head.headers.first("retry-after") == "3")
      #expect(try await transfer.rest() == Array("{}".utf8))
    }
  }

  @Test func reusesConnections() async throws {
    try await withClient { client, base, server in
      for _ in 0..<20 {
        let transfer = client.start(ClientRequest(method: "POST", url: base, body: [1]))
        _ = try await transfer.head()
        _ = try await transfer.rest()
      }
      #expect(server.statistics.acceptedConnections == 1)
    }
  }

  @Test func answersManyAtOnceFromSeveralLoops() async throws {
    try await withServer(loops: 1) { _, address in
      let group = try EventLoopGroup(count: 2)
      let client = try await HTTPClient(group: group)
      let base = "http://127.0.0.1:\(address.port)"
      let right = await withTaskGroup(of: Bool.self) { tasks in
        for number in 0..<200 {
          tasks.addTask(executorPreference: group.loops[number % 2]) {
            let body = Array("\(number)".utf8)
            let transfer = client.start(ClientRequest(method: "POST", url: base + "/n", body: body))
            guard let head = try? await transfer.head(), head.status == 200 else { return false }
            return (try? await transfer.rest()) == Array("POST /n \(number)".utf8)
          }
        }
        return await tasks.reduce(0) { $0 + ($1 ? 1 : 0) }
      }
      #expect(right == 200)
      await client.shutdown()
      await group.shutdown()
    }
  }

  @Test func holdsTheServerBackWhileNobodyReads() async throws {
    let sent = Tally()
    let piece = [UInt8](repeating: 7, count: 64 * 1024)
    let total = 600
    try await withClient(handler: { _ in
      HTTPResponse(
        status: 200,
        body: .stream {
          guard sent.value < total else { return nil }
          sent.increment()
          return piece
        })
    }) { client, base, _ in
      let transfer = client.start(ClientRequest(method: "GET", url: base))
      _ = try await transfer.head()
      // The server stops once both windows are full, far from the end; the count stands still then.
      var former = -1
      while former != sent.value {
        former = sent.value
        for _ in 0..<50 { await Task.yield() }
        try await transfer.loop.sleep(for: .milliseconds(20))
      }
      #expect(former < total)
      #expect(try await transfer.rest().count == total * piece.count)
    }
  }

  @Test func cutsTheConnectionWhenTheTaskIsCancelledBeforeTheHead() async throws {
    let (hasCome, isGone) = (Signal(), Signal())
    try await withClient(handler: { _ in
      await withTaskCancellationHandler {
        hasCome.set()
        await isGone.wait()
      } onCancel: {
        isGone.set()
      }
      return HTTPResponse(status: 200)
    }) { client, base, _ in
      let transfer = client.start(ClientRequest(method: "GET", url: base))
      let task = Task(executorPreference: transfer.loop) { () -> ClientError? in
        do throws(ClientError) {
          _ = try await transfer.head()
          return nil
        } catch {
          return error
        }
      }
      await hasCome.wait()
      task.cancel()
      #expect(await task.value?.kind == .cancelled)
      await isGone.wait()
    }
  }

  @Test func cutsAStreamWhenItIsCancelled() async throws {
    let isGone = Signal()
    try await withClient(handler: { _ in
      var response = HTTPResponse(
        status: 200,
        body: .stream {
          if isFirst.withLock({ isFirst in
            defer { isFirst = false }
            return isFirst
          }) {
            return [1]
          }
          await withTaskCancellationHandler {
            await isGone.wait()
          } onCancel: {
            isGone.set()
          }
          return nil
        })
      response.endsWithInput = true
      return response
    }) { client, base, _ in
      let transfer = client.start(ClientRequest(method: "GET", url: base))
      _ = try await transfer.head()
      #expect(try await transfer.next() == [1])
      transfer.cancel()
      await isGone.wait()
      await #expect(throws: ClientError.self) { try await transfer.next() }
    }
  }

  private let isFirst = Locked(true)

  @Test func saysWhenAnAnswerIsCut() async throws {
    struct Cut: Error {}
    let isFirst = Locked(true)
    try await withClient(handler: { _ in
      HTTPResponse(
        status: 200,
        body: .stream {
          if isFirst.withLock({ $0.exchange(false) }) { return Array("half".utf8) }
          throw Cut()
        })
    }) { client, base, _ in
      let transfer = client.start(ClientRequest(method: "GET", url: base))
      _ = try await transfer.head()
      #expect(try await transfer.next() == Array("half".utf8))
      do throws(ClientError) {
        _ = try await transfer.next()
        Issue.record("a cut answer ended well")
      } catch {
        #expect(error.kind == .truncated)
      }
    }
  }

  @Test func saysWhenThereIsNoConnection() async throws {
    try await withClient { client, base, _ in
      for url in ["http://127.0.0.1:1/", "http://nowhere.invalid/"] {
        do throws(ClientError) {
          _ = try await client.start(ClientRequest(method: "GET", url: url)).head()
          Issue.record("\(url) answered")
        } catch {
          #expect(error.kind == .connection, "\(url): \(error.message)")
        }
      }
      // The handles of requests that failed serve the next ones.
      let transfer = client.start(ClientRequest(method: "GET", url: base))
      let head = try await transfer.head()
      #expect(head.status == 200)
    }
  }

  @Test func sendsRequestsAtOnceBeforeTheFirstAnswer() async throws {
    let arrived = Tally()
    let all = Signal()
    try await withClient(handler: { _ in
      arrived.increment()
      if arrived.value == 5 { all.set() }
      // Nobody is answered before all have come.
      await all.wait()
      return HTTPResponse(status: 200)
    }) { client, base, _ in
      let transfers = (0..<5).map { _ in client.start(ClientRequest(method: "GET", url: base)) }
      for transfer in transfers {
        let head = try await transfer.head()
        #expect(head.status == 200)
      }
    }
  }

  @Test func givesUpInTime() async throws {
    let never = Signal()
    try await withClient(handler: { request in
      if request.path == "/head" {
        await never.wait()
        return HTTPResponse(status: 200)
      }
      return HTTPResponse(
        status: 200,
        body: .stream {
          await never.wait()
          return nil
        })
    }) { client, base, _ in
      var request = ClientRequest(method: "GET", url: base + "/head")
      request.headTimeout = .milliseconds(30)
      do throws(ClientError) {
        _ = try await client.start(request).head()
        Issue.record("a silent server answered")
      } catch {
        #expect(error.kind == .timeout)
      }
      request = ClientRequest(method: "GET", url: base + "/body")
      request.idleTimeout = .milliseconds(30)
      let transfer = client.start(request)
      do throws(ClientError) {
        _ = try await transfer.head()
        _ = try await transfer.next()
        Issue.record("a silent answer ended well")
      } catch {
        #expect(error.kind == .timeout)
      }
      never.set()
    }
  }

  @Test func refusesOtherProtocols() async throws {
    try await withClient { client, _, _ in
      do throws(ClientError) {
        _ = try await client.start(ClientRequest(method: "GET", url: "file:///etc/hostname")).head()
        Issue.record("a file was read")
      } catch {
        #expect(error.kind == .invalidResponse)
      }
    }
  }

  @Test func givesShortAnswersWhole() async throws {
    try await withClient { client, base, _ in
      let transfer = client.start(ClientRequest(method: "POST", url: base, body: Array("x".utf8)))
      _ = try await transfer.head()
      // The answer comes in one packet with its head.
      #expect(transfer.takeWhole() == Array("POST / x".utf8))
      #expect(try await transfer.next() == nil)
    }
  }

  @Test func endsWhatIsInFlightAtShutdown() async throws {
    let never = Signal()
    try await withServer(
      loops: 1,
      handler: { _ in
        await withTaskCancellationHandler {
          await never.wait()
        } onCancel: {
          never.set()
        }
        return HTTPResponse(status: 200)
      }
    ) { _, address in
      let group = try EventLoopGroup(count: 1)
      let client = try await HTTPClient(group: group)
      let task = Task(executorPreference: group.loops[0]) { () -> ClientError? in
        let transfer = client.start(ClientRequest(method: "GET", url: "http://127.0.0.1:\(address.port)/"))
        Task { await client.shutdown() }
        do throws(ClientError) {
          _ = try await transfer.head()
          return nil
        } catch {
          return error
        }
      }
      #expect(await task.value?.kind == .cancelled)
      await client.shutdown()
      await group.shutdown()
    }
  }
}

extension Bool {
  fileprivate mutating func exchange(_ value: Bool) -> Bool {
    defer { self = value }
    return self
  }
}
