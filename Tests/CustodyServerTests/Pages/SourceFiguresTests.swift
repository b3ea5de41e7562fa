import AccessControl
import EventModel
import Foundation
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import CustodyServer

@Suite("Figures of sources")
struct SourceFiguresTests {
    @Test("What came since is added to what was counted, and comes to what counting everything comes to")
    func increments() async throws {
        try await TestServer.run { server, client in
            let state = server.service.state
            for round in 1...3 {
                for (name, count) in [("web", 2), ("only-\(round)", 1)] {
                    let lines = (0..<count).map { #"{"id":"\#(round)-\#($0)","action":"code.push"}"# }
                    _ = try await client.send(.post, "/v1/events?source=\(name)", lines.joined(separator: "\n"))
                }
                _ = try await client.search("action:code.push", expecting: 3 * round)
                let figures = try #require(await state.figures.current(state, for: .system, within: .seconds(60)))
                let whole = try await SourceHealth(state, for: .system)
                #expect(figures.events == Int64(3 * round) && figures.next == whole.next)
                for name in ["web"] + (1...3).map({ "only-\($0)" }) { #expect(figures[name] == whole[name], "\(name)") }
                // Asked again without news, nothing is counted twice.
                let again = await state.figures.current(state, for: .system, within: .seconds(60))
                #expect(again?.events == figures.events)
            }
        }
    }

    @Test("Who may see a part only gets figures of that part, however much is remembered")
    func part() async throws {
        try await TestServer.run { server, client in
            let state = server.service.state
            for name in ["open", "closed"] {
                _ = try await client.send(.post, "/v1/events?source=\(name)", #"{"action":"code.push"}"#)
            }
            _ = try await client.search("action:code.push", expecting: 2)
            #expect(await state.figures.current(state, for: .system, within: .seconds(60))?.events == 2)
            let part = Principal(
                id: "p", kind: .person, name: "p", grants: [Grant(.investigator, over: AccessScope(sources: ["open"]))])
            let seen = try #require(await state.figures.current(state, for: part, within: .seconds(60)))
            #expect(seen.events == 1 && seen["closed"] == nil)
            let nobody = Principal(id: "n", kind: .token, name: "n", scopes: [.ingest])
            #expect(await state.figures.current(state, for: nobody, within: .seconds(60)) == nil)
        }
    }

    @Test("What a page could not wait for is counted beside it, until the server stops")
    func beside() async throws {
        try await TestServer.run { server, client in
            let state = server.service.state
            _ = try await client.send(.post, "/v1/events?source=web", #"{"action":"code.push"}"#)
            _ = try await client.search("action:code.push", expecting: 1)
            let counting = Task { await state.figures.run(state) }
            let deadline = ContinuousClock.now + .seconds(60)
            while await state.figures.current(state, for: .system, within: .zero) == nil, ContinuousClock.now < deadline
            {
                await Task.yield()
            }
            #expect(await state.figures.current(state, for: .system, within: .zero)?.events == 1)
            counting.cancel()
            await counting.value
        }
    }
}
