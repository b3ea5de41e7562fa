import DurableFiles
import EventModel
import Foundation
import HTTPTypes
import HummingbirdTesting
import Ledger
import SystemPackage
import Testing

@testable import CustodyServer

@Suite("Backup and restore")
struct BackupTests {
    private let place = FileManager.default.temporaryDirectory.appendingPathComponent("custody-\(UUID().uuidString)")
    private func path(_ name: String) -> FilePath { FilePath(place.appendingPathComponent(name).path) }
    private let now = Timestamp(seconds: 1_790_000_000)

    private func send(_ client: any TestClientProtocol, _ ids: Range<Int>) async throws {
        let lines = ids.map { #"{"id":"\#($0)","actor":"a\#($0 % 7)","action":"x.y"}"# }
        #expect(try await client.send(.post, "/v1/events", lines.joined(separator: "\n")).status == 200)
        // A checkpoint over all of it: an export waits for one.
        _ = try await client.send(.post, "/v1/export", #"{"q":"action:x.y","limit":1}"#)
    }

    private func key() throws -> VerifierKey { try #require(DataDirectoryVerifier.ownKey(of: path("data"))) }

    private func backup(keys: Bool = true) async throws -> Backup.Report {
        try await Backup(of: path("data"), to: path("backup"), key: try key()).run(includingKeys: keys, now: now)
    }

    @Test("A backup of a running server verifies; restored, it serves every event, alert and token and goes on")
    func roundTrip() async throws {
        defer { try? FileManager.default.removeItem(at: place) }
        try await TestServer.run(in: place.appendingPathComponent("data")) { _, client in
            try await send(client, 0..<300)
            let report = try await backup()
            #expect(report.verification.isIntact, "\(report.verification.faults)")
            #expect(report.checkpoint.checkpoint.size >= 300)
            try await send(client, 300..<310)
        }
        let report = try await Restore(from: path("backup"), to: path("restored")).run(
            key: try key(), memory: nil, now: now)
        #expect(report.seen == nil)
        try await TestServer.run(in: place.appendingPathComponent("restored")) { server, client in
            #expect(try await client.search("id:* action:x.y", expecting: 100).count == 100)
            // The same deliveries again: those of the backup are known, the later ones are new.
            let lines = (0..<310).map { #"{"id":"\#($0)","actor":"a\#($0 % 7)","action":"x.y"}"# }
            let answer = try await client.send(.post, "/v1/events", lines.joined(separator: "\n"))
            #expect(answer["duplicates"] as? Int ?? 0 >= 300, "\(answer.text)")
            #expect(answer["accepted"] as? Int ?? 0 <= 10)
        }
        #expect(try await DataDirectoryVerifier(directory: path("restored"), key: try key()).verify().isIntact)
    }

    @Test("A second backup copies only what changed, and drops what was merged away")
    func incremental() async throws {
        defer { try? FileManager.default.removeItem(at: place) }
        try await TestServer.run(in: place.appendingPathComponent("data")) { _, client in
            try await send(client, 0..<300)
        }
        let first = try await backup()
        try await TestServer.run(in: place.appendingPathComponent("data")) { _, client in
            try await send(client, 300..<305)
        }
        let second = try await backup()
        #expect(second.verification.isIntact && second.keptFiles > 0 && first.keptFiles == 0)
        #expect(second.checkpoint.checkpoint.size > first.checkpoint.checkpoint.size)
        let third = try await backup()
        #expect(third.verification.isIntact && third.keptFiles >= second.keptFiles)
    }

    @Test("A damaged backup, one of another key and one without keys are refused; a data directory is no target")
    func refusals() async throws {
        defer { try? FileManager.default.removeItem(at: place) }
        try await TestServer.run(in: place.appendingPathComponent("data")) { _, client in try await send(client, 0..<50)
        }
        await #expect(throws: ConfigurationError.self) {
            try await Backup(of: path("data"), to: path("data"), key: try key()).run(includingKeys: false, now: now)
        }
        _ = try await backup(keys: false)
        let restore = Restore(from: path("backup"), to: path("restored"))
        await #expect(throws: ConfigurationError.self) { try await restore.run(key: nil, memory: nil, now: now) }
        let keys = path("data").appending("keys")
        let other = try LedgerKey(name: try key().name, seed: Array(repeating: 1, count: 32)).verifierKey
        await #expect(throws: Restore.Refusal.self) {
            try await restore.run(key: other, memory: nil, keys: keys, now: now)
        }
        let roots = place.appendingPathComponent("backup/ledger/entries/000000.roots")
        let sound = try Data(contentsOf: roots)
        var bytes = sound
        bytes[40] ^= 1
        try bytes.write(to: roots)
        await #expect(throws: Restore.Refusal.self) {
            try await restore.run(key: nil, memory: nil, keys: keys, now: now)
        }
        #expect(!FileManager.default.fileExists(atPath: path("restored").string))
        try sound.write(to: roots)
        _ = try await restore.run(key: nil, memory: nil, keys: keys, now: now)
        await #expect(throws: ConfigurationError.self) {
            try await restore.run(key: nil, memory: nil, keys: keys, now: now)
        }
    }

    @Test(
        "A backup older than what was seen is refused; restored with a reason, the loss is on record at the next start")
    func olderThanSeen() async throws {
        defer { try? FileManager.default.removeItem(at: place) }
        let data = place.appendingPathComponent("data")
        try await TestServer.run(in: data) { _, client in try await send(client, 0..<50) }
        _ = try await backup()
        try await TestServer.run(in: data) { _, client in try await send(client, 50..<60) }
        let memory = CheckpointMemory(directory: path("memory"))
        let ledger = try LedgerReader(
            directory: path("data").appending("ledger"), fileSystem: RealFileSystem(), key: try key())
        _ = try await memory.compare(ledger, key: try key())
        let restore = Restore(from: path("backup"), to: path("restored"))
        let refusal = await #expect(throws: Restore.Refusal.self) {
            try await restore.run(key: nil, memory: memory, now: now)
        }
        guard case .older(_, ledger.size) = refusal else {
            Issue.record("\(String(describing: refusal))")
            return
        }
        let report = try await restore.run(
            key: nil, memory: memory, newer: NewerLedger(ledger), acceptedLoss: "the disk is gone", now: now)
        #expect(report.lost >= 10)
        try await TestServer.run(in: place.appendingPathComponent("restored")) { server, client in
            let running = Task { await server.service.run() }
            let events = try await client.search("source:custody action:ledger.restore", expecting: 1)
            #expect(events.count == 1 && "\(events)".contains("the disk is gone"))
            running.cancel()
            await running.value
            #expect(!FileManager.default.fileExists(atPath: path("restored/restored.json").string))
        }
    }

    @Test("A backup of a ledger that had published nothing yet takes all of its records back")
    func fromNothing() async throws {
        defer { try? FileManager.default.removeItem(at: place) }
        try await TestServer.run(in: place.appendingPathComponent("data")) { server, client in
            let running = Task { await server.service.run() }
            #expect(await PublicationTests.eventually { server.service.state.ledger.latest != nil })
            running.cancel()
            await running.value
            _ = try await backup()
            let approvals = try Approvals(ledger: server.service.state.ledgerKey.verifierKey)
            try await send(client, 0..<5)
            let approver = try approvals.adding(approvals.alice, at: WallClock.now(), by: [approvals.alice])
            #expect(try await client.send(.post, "/v1/approvers", Approvals.body(approver)).status == 201)
            _ = try await client.send(.post, "/v1/export", #"{"q":"source:custody","limit":1}"#)
        }
        let report = try await Restore(from: path("backup"), to: path("restored")).run(
            key: nil, memory: nil, newer: try await NewerLedger(dataDirectory: path("data"), key: try key()),
            acceptedLoss: "the disk is gone", now: now)
        #expect(report.checkpoint.size == 0 && report.takenBack == 1, "\(report.unknownRecords)")
        try await TestServer.run(in: place.appendingPathComponent("restored")) { server, client in
            try await server.service.finishRestore()
            let history = server.service.state.records.history
            #expect(history.approvers.count == 1 && history.objections.isEmpty, "\(history.objections)")
        }
        #expect(try await DataDirectoryVerifier(directory: path("restored"), key: try key()).verify().isIntact)
    }

    @Test("What was redacted after the backup is gone again before the restored server serves, by the same approvals")
    func laterRecords() async throws {
        defer { try? FileManager.default.removeItem(at: place) }
        let data = place.appendingPathComponent("data")
        let planted = "jane.planted.value@acme.example"
        try await TestServer.run(in: data) { server, client in
            let approvals = try Approvals(ledger: server.service.state.ledgerKey.verifierKey)
            let sent = try await client.send(
                .post, "/v1/events", #"{"id":"p","actor":"\#(planted)","action":"secret.read"}"#)
            let index = UInt64(try #require(sent["first_index"] as? Int))
            try await send(client, 0..<50)
            let first = try approvals.adding(approvals.alice, at: WallClock.now(), by: [approvals.alice])
            #expect(try await client.send(.post, "/v1/approvers", Approvals.body(first)).status == 201)
            _ = try await client.send(.post, "/v1/export", #"{"q":"source:custody","limit":1}"#)
            _ = try await backup()
            // Later: another approver, a redaction that both sign, a hold, and events that will be lost.
            let second = try approvals.adding(
                approvals.bob, at: WallClock.now(), by: [approvals.alice, approvals.bob])
            #expect(try await client.send(.post, "/v1/approvers", Approvals.body(second)).status == 201)
            let redaction = try approvals.redaction(
                [[index, index]], ["actor"], at: WallClock.now(), by: [approvals.alice, approvals.bob])
            let done = try await client.send(.post, "/v1/redactions", Approvals.body(redaction))
            #expect(done.status == 201, "\(done.text)")
            let hold = try await client.send(
                .post, "/v1/holds", #"{"name":"case","leaves":[[\#(index + 1),\#(index + 5)]]}"#)
            #expect(hold.status == 201, "\(hold.text)")
            try await send(client, 50..<60)
        }
        let key = try key()
        let ledger = try LedgerReader(
            directory: path("data").appending("ledger"), fileSystem: RealFileSystem(), key: key)
        // From leaves alone it is known that there were records, and not which.
        let blind = try await Restore(from: path("backup"), to: path("blind")).run(
            key: nil, memory: nil, newer: NewerLedger(ledger), acceptedLoss: "the disk is gone", now: now)
        #expect(blind.takenBack == 0 && blind.unknownRecords.count == 3)
        #expect(blind.unknownRecords.contains { $0.hasPrefix("redaction of leaf") })
        let restore = Restore(from: path("backup"), to: path("restored"))
        let report = try await restore.run(
            key: nil, memory: nil, newer: try await NewerLedger(dataDirectory: path("data"), key: key),
            acceptedLoss: "the disk is gone", now: now)
        #expect(report.takenBack == 3 && report.unknownRecords == [] && report.lost >= 10)
        try await TestServer.run(in: place.appendingPathComponent("restored")) { server, client in
            try await server.service.finishRestore()
            let history = server.service.state.records.history
            #expect(history.approvers.count == 2 && history.activeHolds.count == 1 && history.objections.isEmpty)
            let found = try await client.search("action:secret.read", expecting: 1)
            #expect(found.count == 1 && !"\(found)".contains("planted"), "\(found)")
            // Nothing is appended twice.
            try await server.service.finishRestore()
            #expect(server.service.state.records.history.redactions.count == 1)
            let running = Task { await server.service.run() }
            let events = try await client.search("source:custody action:ledger.restore", expecting: 1)
            #expect("\(events)".contains("the disk is gone"))
            running.cancel()
            await running.value
        }
        let verified = try await DataDirectoryVerifier(directory: path("restored"), key: key, isDeep: true).verify()
        #expect(verified.isIntact, "\(verified.faults)")
        #expect(verified.notes.contains { $0.contains("1 of the verified events were redacted lawfully") })
        #expect(!verified.notes.contains { $0.contains("claim an authority") }, "\(verified.notes)")
    }
}
