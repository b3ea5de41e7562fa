import Detection
import EventModel
import Foundation
import HTTPTypes
import HummingbirdTesting
import Synchronization
import Testing

@testable import CustodyServer

@Suite("The server's own check of the known incidents")
struct ExposureWatchTests {
    private final class Clock: Sendable {
        private let offset = Mutex<Int64>(0)
        var now: Timestamp { WallClock.now().advanced(byNanoseconds: offset.withLock { $0 }) }
        func pass(_ seconds: Int64) { offset.withLock { $0 += seconds * 1_000_000_000 } }
    }

    private static let bad =
        #"{"id":"x","time":"2018-10-10T10:00:00Z","action":"package.download","purl":"pkg:npm/flatmap-stream@0.1.1"}"#

    private static func checks(_ client: any TestClientProtocol, expecting count: Int) async throws -> [String] {
        let events = try await client.search("source:custody action:exposure.check", expecting: count)
        var reasons: [String] = []
        for event in events.sorted(by: { ($0["index"] as? Int ?? 0) < ($1["index"] as? Int ?? 0) }) {
            let raw = try await client.send(.get, "/v1/events/\(event["index"] as? Int ?? 0)/raw")
            reasons.append((raw["details"] as? [String: String])?["because"] ?? "")
        }
        return reasons
    }

    private static func alerts(_ client: any TestClientProtocol) async throws -> [[String: Any]] {
        let deadline = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < deadline {
            let found = try await client.send(.get, "/v1/alerts")["alerts"] as? [[String: Any]] ?? []
            if !found.isEmpty { return found }
            await Task.yield()
        }
        return []
    }

    @Test("A new yes is an event and an alert, once; a pull that caught up and news ask again, and nothing else does")
    func life() async throws {
        let clock = Clock()
        try await TestServer.run(now: { clock.now }) { server, client in
            let state = server.service.state
            let watch = ExposureWatch(state)
            var memory = ExposureWatch.Memory()
            await watch.look(&memory)
            #expect(try await Self.checks(client, expecting: 1) == ["first"])
            for _ in 0..<3 {
                clock.pass(ExposureWatch.newsSeconds)
                await watch.look(&memory)
            }
            #expect(try await Self.checks(client, expecting: 1).count == 1)

            _ = try await client.send(.post, "/v1/events?source=old", Self.bad)
            _ = try await client.search("source.name:old", expecting: 1)
            state.exposure.request()
            state.exposure.request()
            await watch.look(&memory)
            await watch.look(&memory)
            let second = try await Self.checks(client, expecting: 2)
            #expect(second == ["first", "backfill"], "\(second)")
            let alerts = try await Self.alerts(client)
            #expect(alerts.map { $0["title"] as? String } == ["Events show a known supply-chain incident"])
            #expect(alerts.first?["severity"] as? String == "critical")

            _ = try await client.send(.post, "/v1/events?source=new", Self.bad)
            _ = try await client.search("source.name:new", expecting: 1)
            await watch.look(&memory)
            #expect(try await Self.checks(client, expecting: 2).count == 2)
            clock.pass(ExposureWatch.newsSeconds)
            await watch.look(&memory)
            #expect(try await Self.checks(client, expecting: 3).last == "events")
            #expect(try await client.search("source:custody action:exposure.found", expecting: 1).count == 1)
            #expect(state.metrics.text.contains("custody_exposure_yes 1"))
            #expect(state.metrics.text.contains("custody_exposure_checks_total 3"))
        }
    }

    @Test(
        "A pack that changed is read when its files have settled, and everything is checked anew, also after a restart")
    func pack() async throws {
        let place = FileManager.default.temporaryDirectory.appendingPathComponent("custody-\(UUID().uuidString)")
        let own = place.appendingPathComponent("incidents")
        try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: place) }
        let data = place.appendingPathComponent("data")
        let file = own.appendingPathComponent("own.yml")
        @Sendable func write(_ actor: String) throws {
            try """
            id: own-2026
            title: Our own
            summary: It happened.
            exposure: {from: 2018-01-01T00:00:00Z, until: 2018-12-31T00:00:00Z}
            sources: [https://example.org/own]
            indicators: [{query: 'actor:\(actor)'}]
            remedy: Undo it.
            """.write(to: file, atomically: true, encoding: .utf8)
        }
        try await TestServer.run({ $0.incidentDirectories = [own.path] }, in: data) { server, client in
            let watch = ExposureWatch(server.service.state)
            var memory = ExposureWatch.Memory()
            await watch.look(&memory)
            #expect(server.service.state.exposure.pack.current.incidents.count == 12)
            try write("mallory")
            for _ in 0..<3 { server.service.state.exposure.pack.reloadIfChanged() }
            #expect(server.service.state.exposure.pack.current.incidents.count == 13)
        }
        try write("mallory-the-second")
        try await TestServer.run({ $0.incidentDirectories = [own.path] }, in: data) { server, client in
            let watch = ExposureWatch(server.service.state)
            var memory = ExposureWatch.Memory()
            await watch.look(&memory)
            await watch.look(&memory)
            let reasons = try await Self.checks(client, expecting: 2)
            #expect(reasons == ["first", "pack"])
            let own = try await client.send(.get, "/v1/exposure/own-2026")
            #expect(own.status == 200)
        }
    }

    @Test(
        "Who asks waits for one wake; when nobody does, every fifth is a look",
        arguments: [(true, 1), (false, ExposureWatch.wakesPerLook)])
    func wakes(asks: Bool, expected: Int) async throws {
        try await TestServer.run { server, _ in
            let state = server.service.state
            let wakes = Mutex(0)
            let watch = ExposureWatch(
                state,
                sleep: { _ in
                    let isOver = state.exposure.current.checks > 0
                    try wakes.withLock { count in
                        if isOver || count > 20 { throw CancellationError() }
                        count += 1
                    }
                })
            if asks { state.exposure.request(.asked) }
            await watch.run()
            #expect(wakes.withLock { $0 } == expected)
            let last = try await state.exposure.memory.last()
            #expect(last != nil)
        }
    }

    @Test("The watch ends with its task")
    func end() async throws {
        try await TestServer.run { server, _ in
            let watch = ExposureWatch(server.service.state, sleep: { _ in throw CancellationError() })
            await watch.run()
            let last = try await server.service.state.exposure.memory.last()
            #expect(last == nil)
        }
    }
}
