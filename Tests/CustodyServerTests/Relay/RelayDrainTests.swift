import DurableFiles
import EventModel
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Intake
import Synchronization
import SystemPackage
import Testing

@testable import CustodyServer

@Suite("A server and its relay")
struct RelayDrainTests {
    /// One server's pull of one relay, a step at a time.
    private struct Drain {
        let run: PullRun
        let counters: PullCounters

        init(
            _ server: TestServer, _ relay: RelayPublicKey, _ loop: RelayLoop,
            saving: @escaping @Sendable () throws -> Void = {}
        ) throws {
            var configuration = ServerConfiguration()
            try configuration.read(
                yaml: "pull: [{name: edge, relay: {url: \"https://relay.example/\", key: \"\(relay)\"}}]", file: "test")
            let settings = try #require(configuration.pulls.first)
            let work = try PullWork(configuration.pulls, state: server.service.state, relays: loop)
            var surroundings = work.surroundings(settings)
            let save = surroundings.saveCursor
            surroundings.saveCursor = { cursor in
                try saving()
                try await save(cursor)
            }
            counters = PullCounters()
            run = PullRun(
                work.adapter(settings), every: 1, counters: counters, surroundings: surroundings)
        }

        func all() async throws { while try await run.step() {} }
    }

    private static func source(
        _ client: any TestClientProtocol, _ name: String, _ connector: String, _ secret: String
    ) async throws {
        let made = try await client.send(
            .post, "/v1/sources", "{\"name\":\"\(name)\",\"connector\":\"\(connector)\",\"secret\":\"\(secret)\"}")
        #expect(made.status == 201, "\(made.text)")
    }

    private static func push(_ number: Int) -> String {
        #"{"ref":"refs/heads/main","before":"\#(String(repeating: "0", count: 40))","after":"\#(String(repeating: "a", count: 39))\#(number)","repository":{"full_name":"acme/api"},"pusher":{"name":"ada"},"sender":{"login":"ada"},"commits":[]}"#
    }

    private static func send(
        _ relay: any TestClientProtocol, _ number: Int, id: String? = nil, secret: String = "right-secret"
    ) async throws -> Int {
        let body = push(number)
        var headers = HTTPFields()
        headers[HTTPField.Name("X-GitHub-Event")!] = "push"
        headers[HTTPField.Name("X-GitHub-Delivery")!] = id ?? "d-\(number)"
        headers[HTTPField.Name("X-Hub-Signature-256")!] = RelaySignature.github(body, secret: secret)
        return try await relay.send(.post, "/v1/hooks/gh", body, token: nil, headers: headers).status
    }

    /// A server whose relay runs beside it.
    private static func both(
        _ bench: RelayBench,
        _ body:
            @escaping @Sendable (TestServer, any TestClientProtocol, any TestClientProtocol, RelayPublicKey)
            async throws -> Void
    ) async throws {
        try await TestServer.run(now: { bench.clock.now }) { server, client in
            try await source(client, "gh", "github-webhook", "right-secret")
            let key = try server.service.state.relayIdentity().publicKey
            try await bench.run(for: key) { relay, relayKey in try await body(server, client, relay, relayKey) }
        }
    }

    @Test(
        "What the relay took arrives with the provider's own proof; forgeries are kept apart and on record; replays are known"
    )
    func endToEnd() async throws {
        let bench = RelayBench(clock: RelayClock(runs: true))
        try await Self.both(bench) { server, client, relay, key in
            let drain = try Drain(server, key, RelayLoop(relay))
            try await drain.all()
            #expect(try await Self.send(relay, 1) == 200)
            #expect(try await Self.send(relay, 2, secret: "wrong-secret") == 200)
            #expect(try await Self.send(relay, 1) == 200)
            bench.clock.pass(7_200)
            try await drain.all()
            #expect(drain.counters.events.load(ordering: .relaxed) == 1)
            #expect(drain.counters.duplicates.load(ordering: .relaxed) == 1)
            let found = try await client.search("source.name:gh", expecting: 1)
            let event = try #require(found.first)
            #expect(found.count == 1 && (event["source"] as? [String: Any])?["verified"] as? String == "hmac")
            #expect((event["source"] as? [String: Any])?["delivery"] as? String == "d-1")
            // A push tells no time of its own: that of the relay counts, not that of the drain.
            #expect((event["time"] as? String)?.hasPrefix("2026-11-20T10:") == true, "\(event)")
            let quarantined = try await client.send(.get, "/v1/sources/quarantine?source=gh")
            let entries = quarantined["entries"] as? [[String: Any]] ?? []
            #expect(
                entries.count == 1
                    && (entries.first?["reason"] as? String)?.hasPrefix("through the relay edge") == true,
                "\(quarantined.text)")
            let denied = try await client.search("source:custody action:access.deny", expecting: 1)
            #expect(denied.count == 1)
            #expect(server.service.state.metrics.text.contains("custody_relays 1"))
        }
    }

    @Test("Nothing is lost and nothing doubled when either side, or the way between, breaks at any place")
    func breaks() async throws {
        let bench = RelayBench(clock: RelayClock(runs: true))
        let place = FileManager.default.temporaryDirectory.appendingPathComponent("custody-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: place) }
        let key = try await Self.paired(bench, place)
        for round in 0..<4 {
            // The relay takes some and ends without warning; another process of it goes on from its disk.
            try await bench.run(for: nil) { relay, _ in
                for number in 0..<3 {
                    let status = try await Self.send(relay, round * 3 + number)
                    #expect(status == 200)
                }
            }
            bench.disk.restartMachine()
            try await TestServer.run(in: place, now: { bench.clock.now }) { server, _ in
                try await bench.run(for: nil) { relay, _ in
                    let loop = RelayLoop(relay)
                    let failing = try Drain(server, key, loop) { throw PullError(.unavailable, "the server ends here") }
                    for trouble in [RelayLoop.Trouble.before, .after, .changed] {
                        loop.trouble.withLock { $0 = trouble }
                        await #expect(throws: PullError.self) { try await failing.run.step() }
                    }
                    loop.trouble.withLock { $0 = .none }
                    // Committed, and the cursor not saved.
                    if round % 2 == 0 { await #expect(throws: PullError.self) { try await failing.run.step() } }
                }
            }
            try await TestServer.run(in: place, now: { bench.clock.now }) { server, client in
                try await bench.run(for: nil) { relay, _ in
                    let drain = try Drain(server, key, RelayLoop(relay))
                    try await drain.all()
                    try await drain.all()
                    let wanted = round * 3 + 3
                    let found = try await client.search("source.name:gh", expecting: wanted)
                    #expect(found.count == wanted, "\(round)")
                    #expect(drain.counters.gaps.load(ordering: .relaxed) == 0)
                }
            }
            #expect(try bench.disk.list("/relay/spool").filter { $0.hasSuffix(".deliveries") }.isEmpty, "\(round)")
        }
    }

    /// A server in a place and a relay, each with the other's key.
    private static func paired(_ bench: RelayBench, _ place: URL) async throws -> RelayPublicKey {
        let keys = Mutex<RelayPublicKey?>(nil)
        try await TestServer.run(in: place, now: { bench.clock.now }) { server, client in
            try await source(client, "gh", "github-webhook", "right-secret")
            try await bench.run(for: try server.service.state.relayIdentity().publicKey) { relay, key in
                keys.withLock { $0 = key }
                try await Drain(server, key, RelayLoop(relay)).all()
            }
        }
        return try #require(keys.withLock { $0 })
    }

    @Test("Signed times are judged by the time at the relay, which cannot be put back behind the last drain")
    func times() async throws {
        let bench = RelayBench(clock: RelayClock(runs: true))
        try await Self.both(bench) { server, client, relay, key in
            let secret = Data("a key of thirty-two bytes, or so".utf8)
            try await Self.source(client, "hoop", "hoop-webhook", "whsec_" + secret.base64EncodedString())
            let drain = try Drain(server, key, RelayLoop(relay))
            try await drain.all()
            @Sendable func deliver(_ id: String, signedAt time: Timestamp) async throws {
                let body = #"{"eventType":"session.open","eventPayload":{"id":"\#(id)","user_email":"a@acme.example"}}"#
                var headers = HTTPFields()
                headers[HTTPField.Name("svix-id")!] = id
                headers[HTTPField.Name("svix-timestamp")!] = String(time.seconds)
                headers[HTTPField.Name("svix-signature")!] = RelaySignature.timed(body, id: id, time: time, key: secret)
                let sent = try await relay.send(.post, "/v1/hooks/hoop", body, token: nil, headers: headers)
                #expect(sent.status == 200)
            }
            let signed = bench.clock.now
            try await deliver("one", signedAt: signed)
            bench.clock.pass(86_400)
            try await drain.all()
            #expect(try await client.search("source.name:hoop", expecting: 1).count == 1)
            // Captured, and brought again by a relay that tells the old time: its drain in between says that it cannot be so.
            bench.clock.pass(86_400)
            try await drain.all()
            bench.clock.pass(-2 * 86_400)
            try await deliver("two", signedAt: signed)
            bench.clock.pass(2 * 86_400)
            try await drain.all()
            #expect(try await client.search("source.name:hoop", expecting: 1).count == 1)
            let quarantined = try await client.send(.get, "/v1/sources/quarantine?source=hoop")
            #expect((quarantined["entries"] as? [[String: Any]])?.count == 1)
        }
    }

    @Test("A spool that was replaced, and deliveries that it cannot give any more, are gaps on record")
    func gaps() async throws {
        let bench = RelayBench(clock: RelayClock(runs: true))
        try await Self.both(bench) { server, client, relay, key in
            let drain = try Drain(server, key, RelayLoop(relay))
            try await drain.all()
            for number in 1...3 { #expect(try await Self.send(relay, number) == 200) }
            let files = try bench.disk.list("/relay/spool").filter { $0.hasSuffix(".deliveries") }
            let path = "/relay/spool/" + (try #require(files.first))
            let file = try bench.disk.open(.init(path), .write)
            let head = try file.read(at: 0, count: 4)
            let second = UInt64(SpoolFrame.headBytes) * 2 + RelayFrames.number(head[...])
            try file.write([0xAA, 0xAA], at: second + 40)
            try await drain.all()
            #expect(drain.counters.gaps.load(ordering: .relaxed) == 1)
            #expect(try await client.search("source.name:gh", expecting: 2).count == 2)
            #expect(try await client.search("source:custody action:source.gap resource:edge", expecting: 1).count == 1)

            // Somebody puts another relay's spool in its place.
            let foreign = RelayBench(disk: FaultingFileSystem(seed: 9), clock: bench.clock)
            try foreign.disk.writeAtomicallyWithParents(
                try bench.disk.contents(of: "/relay/keys/relay.key"), to: "/relay/keys/relay.key")
            try await foreign.run(for: try server.service.state.relayIdentity().publicKey) { other, same in
                #expect(same == key)
                let again = try Drain(server, key, RelayLoop(other))
                try await again.all()
                #expect(again.counters.gaps.load(ordering: .relaxed) == 1)
            }
        }
    }

    @Test(
        "A full intake makes the same drain again later; a source that is gone leaves its deliveries in the quarantine")
    func sources() async throws {
        let bench = RelayBench(clock: RelayClock(runs: true))
        try await Self.both(bench) { server, client, relay, key in
            let drain = try Drain(server, key, RelayLoop(relay))
            try await drain.all()
            #expect(try await Self.send(relay, 1) == 200)
            _ = try await client.send(.patch, "/v1/sources/gh", "{\"enabled\":false}")
            try await drain.all()
            let quarantined = try await client.send(.get, "/v1/sources/quarantine?source=gh")
            #expect(quarantined.text.contains("is disabled"), "\(quarantined.text)")
            #expect(try await Self.send(relay, 2) == 404)
            _ = try await client.send(.patch, "/v1/sources/gh", "{\"enabled\":true}")
            try await drain.all()
            #expect(try await Self.send(relay, 2) == 200)
        }
    }

    @Test(
        "What is wrong with a relay in the configuration is said",
        arguments: [
            ("[{relay: {url: \"https://r\", key: \"x\"}}]", "source or a name"),
            ("[{name: r, relay: {url: \"https://r\", key: \"x\"}}]", "no key of a relay"),
            ("[{name: r, relay: {url: \"r\", key: \"x\"}}]", "http(s) URL"),
            ("[{source: s, relay: {url: \"https://r\", key: \"x\"}}]", "but a relay"),
            ("[{name: r, files: {paths: [/a]}}]", "but a relay"),
        ])
    func configuration(yaml: String, reason: String) throws {
        let error = try #require(throws: ConfigurationError.self) {
            var configuration = ServerConfiguration()
            try configuration.read(yaml: "pull: \(yaml)", file: "test")
        }
        #expect(error.description.contains(reason), "\(error)")
    }
}

extension FaultingFileSystem {
    fileprivate func writeAtomicallyWithParents(_ bytes: [UInt8], to path: FilePath) throws {
        try createDirectory(path.removingLastComponent())
        try writeAtomically(bytes, to: path)
    }
}
