import DurableFiles
import EventModel
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import SystemPackage
import Testing

@testable import CustodyServer

@Suite("A relay's surface")
struct RelayRoutesTests {
    private static func drain(
        _ client: any TestClientProtocol, _ relay: RelayPublicKey, _ clock: RelayClock, skew: Int64 = 0,
        as identity: RelayIdentity = RelayBench.serverKey,
        sources: [DrainRequest.Source] = [
            .init(name: "gh", connector: "github-webhook"), .init(name: "chat", connector: "slack-audit-log"),
        ]
    ) async throws -> Answer {
        let channel = try RelayChannel(identity, with: relay, isRelay: false)
        let body = try DrainRequest(after: nil, bytes: 1 << 20, sources: sources).text()
        let time = String(clock.now.seconds + skew)
        let nonce = "0123456789abcdef"
        var headers = HTTPFields()
        headers[HTTPField.Name(DrainProof.time)!] = time
        headers[HTTPField.Name(DrainProof.nonce)!] = nonce
        headers[HTTPField.Name(DrainProof.code)!] = channel.proof(
            DrainRequest.purpose, [Array(time.utf8), Array(nonce.utf8), body])
        return try await client.send(.post, DrainRequest.path, bytes: body, token: nil, headers: headers)
    }

    @Test("It takes what its server named, and answers challenges and pings at once")
    func deliveries() async throws {
        let bench = RelayBench()
        try await bench.run { client, key in
            let early = try await client.send(.post, "/v1/hooks/gh", "{}", token: nil)
            #expect(early.status == 503 && early.code == "not_paired" && early.headers[.retryAfter] != nil)
            #expect(try await Self.drain(client, key, bench.clock).status == 200)
            let taken = try await client.send(.post, "/v1/hooks/gh", "{\"a\":1}", token: nil)
            #expect(taken.status == 200 && taken["relayed"] as? Bool == true)
            #expect(taken.headers[.xContentTypeOptions] == "nosniff")
            let ping = try await client.send(
                .post, "/v1/hooks/gh", "{\"zen\":\"x\"}", token: nil,
                headers: [HTTPField.Name("X-GitHub-Event")!: "ping"])
            #expect(ping.status == 200 && ping["message"] as? String == "pong")
            let challenge = try await client.send(
                .post, "/v1/hooks/chat", "{\"type\":\"url_verification\",\"challenge\":\"abc\\\"\"}", token: nil)
            #expect(challenge["challenge"] as? String == "abc\"")
            #expect(try await client.send(.post, "/v1/hooks/other", "{}", token: nil).code == "not_found")
            let get = try await client.send(.get, "/v1/hooks/gh", token: nil)
            #expect(get.status == 405 && get.headers[.allow] == "POST")
            #expect(try await client.send(.get, "/healthz", token: nil).text == "ok\n")
            #expect(try await client.send(.get, "/nothing", token: nil).code == "not_found")
            // The ping is an event, the challenge is none.
            let drained = try await Self.drain(client, key, bench.clock)
            let head = try JSONDecoder().decode(
                DrainAnswer.Head.self, from: Data(drained.text.prefix { $0 != "\n" }.utf8))
            #expect(head.waiting == 2 && head.accepted == 2 && head.refused == ["unpaired": 1, "unknown": 1])
        }
        // A relay that starts while its server is away takes what it took before.
        bench.disk.restartMachine()
        try await bench.run(for: nil) { client, _ in
            let taken = try await client.send(.post, "/v1/hooks/gh", "{}", token: nil)
            let other = try await client.send(.post, "/v1/hooks/other", "{}", token: nil)
            #expect(taken.status == 200 && other.status == 404)
        }
    }

    @Test("What lies on its disk tells nothing of a delivery")
    func sealed() async throws {
        let bench = RelayBench()
        try await bench.run { client, key in
            _ = try await Self.drain(client, key, bench.clock)
            _ = try await client.send(
                .post, "/v1/hooks/gh", "{\"word\":\"needle-in-the-body\"}", token: nil,
                headers: [HTTPField.Name("X-Custom")!: "needle-in-a-header"])
        }
        for name in try bench.disk.list("/relay/spool") {
            let bytes = try bench.disk.contents(of: FilePath("/relay/spool/\(name)"))
            #expect(Data(bytes).range(of: Data("needle".utf8)) == nil)
        }
    }

    @Test(
        "Floods, large bodies and a full spool are refused with when to come again, and nothing that was taken is lost")
    func refusals() async throws {
        var bench = RelayBench()
        bench.limits.burst = 5
        bench.limits.requestsPerSecond = 1
        bench.limits.deliveryBytes = 1_000
        bench.limits.spoolBytes = 1_600
        bench.limits.shareOfOne = 1
        let clock = bench.clock
        try await bench.run { client, key in
            _ = try await Self.drain(client, key, clock)
            let large = try await client.send(
                .post, "/v1/hooks/gh", String(repeating: "x", count: 1_001), token: nil)
            #expect(large.status == 413)
            let body = String(repeating: "x", count: 900)
            #expect(try await client.send(.post, "/v1/hooks/gh", body, token: nil).status == 200)
            let full = try await client.send(.post, "/v1/hooks/gh", body, token: nil)
            #expect(full.status == 503 && full.code == "full" && full.headers[.retryAfter] == "60")
            _ = try await client.send(.get, "/v1/hooks/gh", token: nil)
            let flood = try await client.send(.post, "/v1/hooks/gh", "{}", token: nil)
            #expect(flood.status == 429 && flood.code == "flood" && flood.headers[.retryAfter] == "1")
            clock.pass(60)
            let drained = try await Self.drain(client, key, clock)
            let head = try JSONDecoder().decode(
                DrainAnswer.Head.self, from: Data(drained.text.prefix { $0 != "\n" }.utf8))
            #expect(head.waiting == 1 && head.refused == ["large": 1, "full": 1, "flood": 1])
        }
    }

    @Test("Only its own server drains it, and no older request passes for a new one")
    func drains() async throws {
        let bench = RelayBench()
        try await bench.run { client, key in
            let stranger = try RelayIdentity(privateKey: [UInt8](repeating: 9, count: 32))
            let denied = try await Self.drain(client, key, bench.clock, as: stranger)
            #expect(denied.status == 401 && denied.headers[.wwwAuthenticate] == "Custody-Relay")
            #expect(try await Self.drain(client, key, bench.clock, skew: -301).status == 401)
            #expect(try await Self.drain(client, key, bench.clock, skew: 301).status == 401)
            #expect(try await Self.drain(client, key, bench.clock, skew: 299).status == 200)
            #expect(try await client.send(.post, DrainRequest.path, "{}", token: nil).status == 401)
        }
        #expect(throws: ConfigurationError.self) {
            try bench.open(for: RelayIdentity(privateKey: [UInt8](repeating: 8, count: 32)).publicKey)
        }
        #expect(throws: ConfigurationError.self) { try RelayBench().open(for: nil) }
    }

    @Test("relay-openapi.yaml describes every route and nothing else, and is what the relay hands out")
    func described() async throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(
            contentsOf: root.appending(path: "Sources/CustodyServer/Assets/relay-openapi.yaml"), encoding: .utf8)
        var described: Set<String> = []
        var path = ""
        for line in text.split(separator: "\n").drop(while: { $0 != "paths:" }).dropFirst() {
            guard line.hasPrefix(" ") else { break }
            if line.hasPrefix("  /") { path = line.trimmingCharacters(in: [" ", ":"]) }
            for method in ["get", "post"] where line == "    \(method):" {
                described.insert(method.uppercased() + " " + path)
            }
        }
        let routes = try RelayBench().open().router().routes
        #expect(Set(routes.map { "\($0.method.rawValue) \($0.path)" }) == described)
        try await RelayBench().run { client, _ in
            let served = try await client.send(.get, "/openapi.yaml", token: nil)
            #expect(served.text == text)
        }
    }
}
