import DurableFiles
import EventModel
import Foundation
import HTTPTypes
import HummingbirdTesting
import Ledger
import SystemPackage
import Testing

@testable import CustodyServer

@Suite("Restoring a backup that is older than a change of the key")
struct BackupAcrossKeysTests {
    private let place = FileManager.default.temporaryDirectory.appendingPathComponent("custody-\(UUID().uuidString)")
    private func path(_ name: String) -> FilePath { FilePath(place.appendingPathComponent(name).path) }
    private let now = Timestamp(seconds: 1_790_000_000)

    /// Runs a server on `data`, and waits until everything that was sent is published.
    private func serve(
        _ name: String = "data", now: @escaping @Sendable () -> Timestamp = WallClock.now,
        _ body: @escaping @Sendable (TestServer) async throws -> Void
    ) async throws {
        try await TestServer.run(
            { [guardPath = path("guard")] in $0.guardDirectory = guardPath }, in: place.appendingPathComponent(name),
            now: now
        ) { server, client in
            try await body(server)
            _ = try await client.send(.post, "/v1/export", #"{"q":"source:custody","limit":1}"#)
        }
    }

    /// A ledger that was backed up under one key, and afterwards redacted an event under another: the second key alone signs.
    private func changedLedger() async throws -> (old: VerifierKey, new: VerifierKey) {
        try await serve { [self] server in
            let approvals = try Approvals(ledger: server.service.state.ledgerKey.verifierKey)
            try await server.client.test(.router) { client in
                _ = try await client.send(
                    .post, "/v1/events", #"{"id":"p","actor":"jane.planted@acme.example","action":"secret.read"}"#)
                let first = try approvals.adding(approvals.alice, at: WallClock.now(), by: [approvals.alice])
                #expect(try await client.send(.post, "/v1/approvers", Approvals.body(first)).status == 201)
                _ = try await client.send(.post, "/v1/export", #"{"q":"source:custody","limit":1}"#)
            }
            let key = try #require(DataDirectoryVerifier.ownKey(of: path("data")))
            _ = try await Backup(of: path("data"), to: path("backup"), key: key).run(includingKeys: true, now: now)
        }
        let old = try #require(DataDirectoryVerifier.ownKey(of: path("data")))
        let new = try LedgerOffice(data: path("data"), guardDirectory: path("guard"))
            .rotate(reason: "a test", overlapDays: 1)
        let later = WallClock.now().advanced(byNanoseconds: 2 * 86_400_000_000_000)
        try await serve(now: { later }) { server in
            let approvals = try Approvals(ledger: server.service.state.ledgerKey.verifierKey)
            try await server.client.test(.router) { client in
                let redaction = try approvals.redaction([[0, 0]], ["actor"], at: later, by: [approvals.alice])
                let answer = try await client.send(.post, "/v1/redactions", Approvals.body(redaction))
                #expect(answer.status == 201, "\(answer.text)")
            }
        }
        return (old, new)
    }

    @Test("It is refused as older, or, when nothing tells of the change, by the name of the other key; never as forged")
    func refusal() async throws {
        defer { try? FileManager.default.removeItem(at: place) }
        let (old, new) = try await changedLedger()
        let newer = try await NewerLedger(dataDirectory: path("data"), key: old)
        let memory = CheckpointMemory(directory: path("memory"))
        _ = try await memory.compare(newer.source, key: new)
        let restore = Restore(from: path("backup"), to: path("restored"))
        await #expect(throws: Restore.Refusal.otherKey(backup: old, seen: new)) {
            try await restore.run(key: nil, memory: memory, now: now)
        }
        let refusal = await #expect(throws: Restore.Refusal.self) {
            try await restore.run(key: nil, memory: memory, newer: newer, now: now)
        }
        guard case .older = refusal else {
            Issue.record("\(String(describing: refusal))")
            return
        }
        // The present keys cannot go on from what the old key signed.
        await #expect(throws: ConfigurationError.self) {
            try await restore.run(
                key: nil, memory: memory, newer: newer, keys: path("data").appending("keys"), acceptedLoss: "a test",
                now: now)
        }
    }

    @Test("Restored with a reason, it redacts again what the second key's ledger tells, and verifies")
    func takenBack() async throws {
        defer { try? FileManager.default.removeItem(at: place) }
        let (old, _) = try await changedLedger()
        let report = try await Restore(from: path("backup"), to: path("restored")).run(
            key: nil, memory: nil, newer: try await NewerLedger(dataDirectory: path("data"), key: old),
            acceptedLoss: "the disk is gone", now: now)
        #expect(report.takenBack == 1, "\(report.unknownRecords)")
        try await TestServer.run(
            { [guardPath = path("guard-2")] in $0.guardDirectory = guardPath },
            in: place.appendingPathComponent("restored")
        ) { server, client in
            try await server.service.finishRestore()
            #expect(server.service.state.records.history.objections.isEmpty)
            let found = try await client.search("action:secret.read", expecting: 1)
            #expect(found.count == 1 && !"\(found)".contains("planted"), "\(found)")
        }
    }
}
