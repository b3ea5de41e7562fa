import DurableFiles
import Foundation
import HTTPTypes
import HummingbirdTesting
import Ledger
import Synchronization
import SystemPackage
import Testing

@testable import CustodyServer

@Suite("Verification beside the running server")
struct VerificationScheduleTests {
    private func schedule(_ server: TestServer) -> VerificationSchedule {
        let state = server.service.state
        return VerificationSchedule(
            state,
            verifier: DataDirectoryVerifier(
                directory: state.configuration.dataDirectory, key: state.ledgerKey.verifierKey))
    }

    private func fill(_ client: any TestClientProtocol) async throws {
        let lines = (0..<300).map { #"{"id":"\#($0)","actor":"a\#($0 % 7)","action":"x.y"}"# }
        #expect(try await client.send(.post, "/v1/events", lines.joined(separator: "\n")).status == 200)
        _ = try await client.search("action:x.y", expecting: 100)
    }

    @Test("A sound directory shows in integrity, readiness and metrics with its counts")
    func sound() async throws {
        try await TestServer.run({ $0.verificationShare = 1 }) { server, client in
            try await fill(client)
            _ = try await client.send(.post, "/v1/export", #"{"q":"action:x.y","limit":1}"#)
            try await schedule(server).verifyOnce()
            let integrity = try await client.send(.get, "/v1/integrity")
            let last = try #require(integrity["last_verification"] as? [String: Any])
            #expect((last["verified"] as? Int ?? 0) >= 300 && last["fault"] == nil)
            #expect(try await client.send(.get, "/readyz")["integrity"] as? String == "verified")
            let metrics = try await client.send(.get, "/metrics").text
            #expect(metrics.contains("custody_verification_intact 1\n"))
            #expect(metrics.contains("custody_verification_runs_total 1\n"))
        }
    }

    @Test("A changed byte is an incident of the source custody and an alert; intake goes on")
    func altered() async throws {
        try await TestServer.run({ $0.verificationShare = 1 }) { server, client in
            try await fill(client)
            _ = try await client.send(.post, "/v1/export", #"{"q":"action:x.y","limit":1}"#)
            let file = server.directory.appendingPathComponent("journal/00000000000000000000.journal")
            let handle = try FileHandle(forUpdating: file)
            try handle.seek(toOffset: 200)
            let byte = try #require(try handle.read(upToCount: 1)?.first)
            try handle.seek(toOffset: 200)
            try handle.write(contentsOf: [byte ^ 1])
            try handle.close()
            try await schedule(server).verifyOnce()
            await server.service.state.audit.flush()
            let events = try await client.search("source:custody action:integrity.fail", expecting: 1)
            #expect(events.count == 1)
            let ready = try await client.send(.get, "/readyz")
            #expect(ready.status == 200 && ready["integrity"] as? String == "failed")
            let deadline = ContinuousClock.now + .seconds(5)
            var alerts: [[String: Any]] = []
            while alerts.isEmpty, ContinuousClock.now < deadline {
                alerts = try await client.send(.get, "/v1/alerts")["alerts"] as? [[String: Any]] ?? []
                await Task.yield()
            }
            #expect(!alerts.isEmpty)
            #expect(try await client.send(.post, "/v1/events", #"{"id":"later","action":"x.y"}"#).status == 200)
        }
    }

    @Test("Between two verifications of everything, what is new is verified every quarter of an hour")
    func news() async throws {
        try await TestServer.run({
            $0.verificationInterval = 2_000
            $0.verificationShare = 1
        }) { server, client in
            try await fill(client)
            _ = try await client.send(.post, "/v1/export", #"{"q":"action:x.y","limit":1}"#)
            let asked = Mutex<[Duration]>([])
            let state = server.service.state
            let schedule = VerificationSchedule(
                state,
                verifier: DataDirectoryVerifier(
                    directory: state.configuration.dataDirectory, key: state.ledgerKey.verifierKey)
            ) { duration in
                let count = asked.withLock {
                    $0.append(duration)
                    return $0.count
                }
                if count > 4 { throw CancellationError() }
            }
            await schedule.run()
            #expect(asked.withLock { $0.map(\.components.seconds) } == [60, 900, 900, 200, 900])
            #expect(state.verification.totals == (runs: 2, newsRuns: 2, failures: 0))
            // What is new says nothing of the rest.
            #expect(state.verification.last?.counts.verified ?? 0 >= 300)
            #expect(state.verification.lastNews?.counts.verified ?? 300 < 300)
        }
    }

    @Test("It rests for as long as its share of the time asks, and one piece of work at a time")
    func pace() async {
        let slept = Mutex(Duration.zero)
        let pace = VerificationPace.background(share: 0.1) { duration in slept.withLock { $0 += duration } }
        let start = ContinuousClock.now
        await pace.run { while ContinuousClock.now - start < .milliseconds(2) {} }
        #expect(slept.withLock { $0 } >= .milliseconds(17))
        #expect(pace.concurrency == 1)
    }

    @Test("Without an interval nothing runs; with one it runs again and again until it is cancelled")
    func interval() async throws {
        try await TestServer.run({ $0.verificationInterval = 0 }) { server, _ in
            await schedule(server).run()
            #expect(server.service.state.verification.totals.runs == 0)
        }
        try await TestServer.run({
            $0.verificationInterval = 3_600
            $0.verificationShare = 1
        }) { server, _ in
            let asked = Mutex<[Duration]>([])
            let schedule = VerificationSchedule(
                server.service.state,
                verifier: DataDirectoryVerifier(
                    directory: server.service.state.configuration.dataDirectory.appending("nothing"),
                    key: server.service.state.ledgerKey.verifierKey)
            ) { duration in
                let count = asked.withLock {
                    $0.append(duration)
                    return $0.count
                }
                if count > 5 { throw CancellationError() }
            }
            await schedule.run()
            // Where nothing holds there is nothing that was verified before.
            #expect(asked.withLock { $0 }.prefix(2) == [.seconds(60), .seconds(3_600)])
            #expect(server.service.state.verification.totals.newsRuns == 0)
        }
    }
}
