import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import CustodyServer

/// Work whose answer nobody would read ends.
@Suite struct ClientConnectionTests {
    @Test("What runs is cancelled when the client goes, and at once when it had gone before")
    func cancellation() async throws {
        let connection = ClientConnection()
        let hasBegun = Flag()
        let work = Task {
            try await connection.whileOpen {
                hasBegun.raise()
                while true {
                    try Task.checkCancellation()
                    await Task.yield()
                }
            }
        }
        while !hasBegun.isRaised { await Task.yield() }
        connection.close()
        await #expect(throws: CancellationError.self) { try await work.value }
        await #expect(throws: CancellationError.self) {
            try await connection.whileOpen {
                while true {
                    try Task.checkCancellation()
                    await Task.yield()
                }
            }
        }
    }

    @Test("What ends in time is answered, and a request that is cancelled cancels its work")
    func others() async throws {
        let connection = ClientConnection()
        #expect(try await connection.whileOpen { 7 } == 7)
        let request = Task {
            try await connection.whileOpen {
                while true {
                    try Task.checkCancellation()
                    await Task.yield()
                }
            }
        }
        request.cancel()
        await #expect(throws: CancellationError.self) { try await request.value }
        #expect(try await connection.whileOpen { 8 } == 8)
    }

    @Test("The handler notices the end of a connection and of its sending half", arguments: [true, false])
    func handler(isHalf: Bool) async throws {
        let channel = EmbeddedChannel(handler: DisconnectHandler())
        let connection = try #require(ClientConnection.of(channel))
        if isHalf {
            channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            #expect(ClientConnection.of(channel) != nil)
        } else {
            _ = try channel.finish(acceptAlreadyClosed: true)
            #expect(ClientConnection.of(channel) == nil)
        }
        await #expect(throws: CancellationError.self) {
            try await connection.whileOpen {
                try Task.checkCancellation()
                // It may begin before it is cancelled.
                while true {
                    try Task.checkCancellation()
                    await Task.yield()
                }
            }
        }
        if isHalf { _ = try channel.finish(acceptAlreadyClosed: true) }
        #expect(ClientConnection.of(channel) == nil)
    }
}

private final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    var isRaised: Bool { value.load(ordering: .relaxed) }
    func raise() { value.store(true, ordering: .relaxed) }
}
