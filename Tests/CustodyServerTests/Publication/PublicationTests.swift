import DurableFiles
import EventModel
import Foundation
import HTTPTypes
import HummingbirdTesting
import Ledger
import SystemPackage
import Testing

@testable import CustodyServer

/// Directories that are removed when the test ends.
private final class Places: Sendable {
    let root = FileManager.default.temporaryDirectory.appendingPathComponent("custody-\(UUID().uuidString)")

    func callAsFunction(_ name: String) -> URL { root.appendingPathComponent(name) }
    func path(_ name: String) -> FilePath { FilePath(root.appendingPathComponent(name).path) }

    init() throws { try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(at: root) }
}

@Suite("Publication")
struct PublicationTests {
    private static func event(_ id: Int) -> String { "{\"id\":\"\(id)\",\"actor\":\"a\(id)\",\"action\":\"x.y\"}" }

    /// Waits until as many leaves are published; the limit only ends a test that failed.
    private static func published(_ size: UInt64, _ server: TestServer) async -> Bool {
        await eventually { server.service.state.ledger.size >= size }
    }

    static func eventually(_ condition: @Sendable () async -> Bool) async -> Bool {
        let deadline = ContinuousClock.now + .seconds(30)
        while await !condition() {
            guard ContinuousClock.now < deadline else { return false }
            await Task.yield()
        }
        return true
    }

    @Test("The consistency of any two published sizes can be had by anybody, and verifies")
    func consistency() async throws {
        try await TestServer.run { server, client in
            for step in 0..<3 {
                let lines = (0..<200).map { Self.event(step * 200 + $0) }.joined(separator: "\n")
                #expect(try await client.send(.post, "/v1/events", lines).status == 200)
            }
            #expect(await Self.published(600, server))
            for (from, to) in [(1, 600), (255, 256), (256, 257), (300, 300), (0, 17)] as [(UInt64, UInt64)] {
                let answer = try await client.send(
                    .get, "/v1/integrity/consistency?from=\(from)&to=\(to)", token: nil)
                #expect(answer.status == 200, "\(answer.text)")
                func hash(_ text: Any?) -> TreeHash? {
                    (text as? String).flatMap { Data(base64Encoded: $0) }.flatMap { TreeHash($0) }
                }
                let (old, new) = (try #require(hash(answer["from_root"])), try #require(hash(answer["to_root"])))
                let proof = try #require(answer["proof"] as? [String]).compactMap(hash)
                if from == 0 {
                    #expect(proof.isEmpty && old == MerkleHashing.emptyRoot)
                } else {
                    try MerkleProofs.verifyConsistency(from: from, old, to: to, new, proof: proof)
                }
            }
            let latest = try await client.send(.get, "/v1/integrity/consistency?from=1", token: nil)
            #expect((latest["checkpoint"] as? String)?.isEmpty == false)
            for (query, status) in [
                ("", 400), ("?from=x", 400), ("?from=-1", 400), ("?from=5&to=4", 400), ("?from=1&to=99999999", 404),
                ("?from=18446744073709551616", 400),
            ] {
                let answer = try await client.send(.get, "/v1/integrity/consistency\(query)", token: nil)
                #expect(answer.status == status, "\(query) \(answer.text)")
            }
        }
    }

    @Test("Each hit brings its proof when that is asked for, and each verifies offline")
    func proofsBesideHits() async throws {
        try await TestServer.run { server, client in
            let lines = (0..<300).map { Self.event($0) }.joined(separator: "\n")
            #expect(try await client.send(.post, "/v1/events", lines).status == 200)
            #expect(try await client.search("action:x.y", expecting: 100).count >= 100)
            #expect(await Self.published(300, server))
            let answer = try await client.send(.get, "/v1/search?q=action:x.y&since=2000-01-01&limit=300&proofs=true")
            let events = try #require(answer["events"] as? [[String: Any]])
            #expect(events.count == 300)
            let ledger = server.service.state.ledger
            for event in events {
                let index = UInt64(try #require(event["index"] as? Int))
                let text = try #require(event["proof"] as? String)
                let proof = try TlogProof(parsing: Array(text.utf8))
                #expect(proof.index == index)
                _ = try proof.verify(
                    leaf: ledger.entry(at: index).leafHash, key: server.service.state.ledgerKey.verifierKey)
            }
            let plain = try await client.send(.get, "/v1/search?q=action:x.y&since=2000-01-01&limit=1")
            #expect((plain["events"] as? [[String: Any]])?.first?["proof"] == nil)
            let table = try await client.send(.get, "/v1/search?q=*%20|%20stats%20count&proofs=true")
            #expect(table.status == 400 && table.code == "no_proofs")
        }
    }

    @Test("A data directory that was rolled back publishes nothing, takes events all the same, and says why")
    func rollback() async throws {
        let places = try Places()
        let configure: @Sendable (inout ServerConfiguration) -> Void = { [guardPath = places.path("guard")] in
            $0.guardDirectory = guardPath
        }
        try await TestServer.run(configure, in: places("data")) { server, client in
            _ = try await client.send(.post, "/v1/events", Self.event(1))
            #expect(await Self.published(1, server))
        }
        try FileManager.default.copyItem(at: places("data"), to: places("backup"))
        try await TestServer.run(configure, in: places("data")) { server, client in
            for id in 2..<30 { _ = try await client.send(.post, "/v1/events", Self.event(id)) }
            #expect(await Self.published(29, server))
        }
        try await TestServer.run(configure, in: places("backup")) { server, client in
            let state = server.service.state
            #expect(
                await Self.eventually {
                    if case .refused(let error) = state.publication.hindrance { error.code == .rollback } else { false }
                })
            let before = state.ledger.size
            let answer = try await client.send(.post, "/v1/events", Self.event(100))
            #expect(answer.status == 200 && answer["accepted"] as? Int == 1)
            let integrity = try await client.send(.get, "/v1/integrity")
            let publication = try #require(integrity["publication"] as? [String: Any])
            #expect(publication["state"] as? String == "stopped" && publication["code"] as? String == "rollback")
            let ready = try await client.send(.get, "/readyz", token: nil)
            #expect(ready.status == 200 && ready.text.contains("\"state\":\"stopped\""))
            #expect(try await client.send(.get, "/metrics").text.contains("custody_publication_stopped 1"))
            var memory = PublicationMonitor.Memory()
            await PublicationMonitor(state).look(&memory, at: .now)
            await PublicationMonitor(state).look(&memory, at: .now)
            await state.audit.flush()
            let incidents = try await client.search(
                "source:custody action:ledger.publication_stopped", expecting: 1)
            #expect(incidents.count == 1)
            #expect(state.ledger.size == before)
        }
    }

    @Test("An approver whom no checkpoint covers approves nothing yet: who can write to the disk could have made him")
    func approverMeanwhile() async throws {
        let places = try Places()
        func configure(_ name: String) -> @Sendable (inout ServerConfiguration) -> Void {
            { [guardPath = places.path(name)] in $0.guardDirectory = guardPath }
        }
        try await TestServer.run(configure("guard"), in: places("data")) { server, client in
            _ = try await client.send(.post, "/v1/events", Self.event(1))
            #expect(await Self.published(1, server))
        }
        let key = try #require(DataDirectoryVerifier.ownKey(of: places.path("data")))
        try await TestServer.run(configure("another-guard"), in: places("data")) { _, client in
            let approvals = try Approvals(ledger: key)
            let approver = try approvals.adding(approvals.mallory, at: WallClock.now(), by: [approvals.mallory])
            #expect(try await client.send(.post, "/v1/approvers", Approvals.body(approver)).status == 201)
            let redaction = try approvals.redaction([[0, 0]], ["actor"], at: WallClock.now(), by: [approvals.mallory])
            #expect(try await client.send(.post, "/v1/redactions", Approvals.body(redaction)).status == 201)
        }
        let report = try await DataDirectoryVerifier(directory: places.path("data"), key: key).verify()
        #expect(!report.isIntact && report.counts.destroyedWithoutAuthority == 1, "\(report.notes)")
    }

    @Test(
        "What is redacted while publication is stopped is lawful by its approvals, and verification says what covers it"
    )
    func redactedMeanwhile() async throws {
        let places = try Places()
        func configure(_ name: String) -> @Sendable (inout ServerConfiguration) -> Void {
            { [guardPath = places.path(name)] in $0.guardDirectory = guardPath }
        }
        try await TestServer.run(configure("guard"), in: places("data")) { server, client in
            let approvals = try Approvals(ledger: server.service.state.ledgerKey.verifierKey)
            _ = try await client.send(.post, "/v1/events", Self.event(1))
            let approver = try approvals.adding(approvals.alice, at: WallClock.now(), by: [approvals.alice])
            #expect(try await client.send(.post, "/v1/approvers", Approvals.body(approver)).status == 201)
            #expect(await Self.published(2, server))
        }
        let key = try #require(DataDirectoryVerifier.ownKey(of: places.path("data")))
        // The guard's memory is lost: nothing is signed any more.
        try await TestServer.run(configure("another-guard"), in: places("data")) { server, client in
            let approvals = try Approvals(ledger: key)
            let redaction = try approvals.redaction([[0, 0]], ["actor"], at: WallClock.now(), by: [approvals.alice])
            let answer = try await client.send(.post, "/v1/redactions", Approvals.body(redaction))
            #expect(answer.status == 201, "\(answer.text)")
        }
        func report(at now: Timestamp) async throws -> VerificationReport {
            try await DataDirectoryVerifier(directory: places.path("data"), key: key, now: { now }).verify()
        }
        let now = try await report(at: WallClock.now())
        #expect(now.isIntact && now.counts.destroyedWithoutAuthority == 0, "\(now.faults)")
        #expect(
            now.notes.contains { $0.contains("1 of these by records that no checkpoint covers yet") }, "\(now.notes)")
        // A record that claims to be of later than now allows nothing.
        let before = try await report(at: WallClock.now().advanced(byNanoseconds: -3_600_000_000_000))
        #expect(before.counts.destroyedWithoutAuthority == 1)
    }

    @Test(
        "With a policy, a checkpoint is published with its quorum's cosignatures; without the witness it waits, and intake does not"
    )
    func quorum() async throws {
        let places = try Places()
        let logKey = try LedgerKey(name: "custody/00000001", seed: Array(0..<32))
        let keys = places.path("data").appending("keys")
        try RealFileSystem().createDirectory(keys)
        try logKey.write(to: keys.appending("ledger.key"), in: RealFileSystem())
        let port = AsyncStream.makeStream(of: Int.self)
        let run = try WitnessRun(
            data: places.path("witness"), host: "127.0.0.1", port: 0,
            policy: try WitnessPolicy(parsing: Array("log \(logKey.verifierKey)\nquorum none\n".utf8)))
        let serving = Task { try await run.run { port.continuation.yield($0) } }
        defer { serving.cancel() }
        var ports = port.stream.makeAsyncIterator()
        let listening = try #require(await ports.next())
        let policy = try WitnessPolicy(
            parsing: Array(
                "witness w \(run.verifierKey) http://127.0.0.1:\(listening)/\nquorum w\n".utf8))
        try await TestServer.run({ $0.witnessPolicy = policy }, in: places("data")) { server, client in
            let state = server.service.state
            _ = try await client.send(.post, "/v1/events", Self.event(1))
            #expect(await Self.published(1, server))
            let (_, judgement) = try policy.checkpoint(
                try state.ledger.checkpoint(), logs: [state.ledgerKey.verifierKey])
            #expect(judgement.times.count == 1)
            let hash = Witness.hash(of: "custody/00000001")
            let witnesses = try await client.send(.get, "/v1/integrity")["witnesses"] as? [[String: Any]]
            #expect(witnesses?.first?["name"] as? String == "w" && witnesses?.first?["failure"] == nil, "\(hash)")
            var memory = PublicationMonitor.Memory()
            await PublicationMonitor(state).look(&memory, at: .now)
            #expect(memory.beaconSize == 0, "one leaf alone is nothing to bound")
            _ = try await client.send(.post, "/v1/events", [2, 3, 4].map { Self.event($0) }.joined(separator: "\n"))
            #expect(await Self.published(4, server))
            await PublicationMonitor(state).look(&memory, at: .now)
            #expect(memory.beaconSize >= 4)
            serving.cancel()
            _ = await serving.result
            let size = state.ledger.size
            for id in 10..<20 {
                #expect(try await client.send(.post, "/v1/events", Self.event(id)).status == 200)
            }
            #expect(
                await Self.eventually {
                    if case .quorum(let missing) = state.publication.hindrance { missing.contains("w:") } else { false }
                })
            // The beacon may have got its cosignature before the witness went.
            #expect(state.ledger.size <= size + 1)
            let late = ContinuousClock.now + .seconds(61)
            #expect(
                PublicationMonitor.changes(
                    memory, publication: state.publication, witnesses: state.cosigning?.statuses ?? [],
                    size: size, at: late
                ).contains { $0.0.action == "ledger.publication_late" })
        }
        // The beacon verifies against the tree and its witness.
        let report = try await DataDirectoryVerifier(
            directory: places.path("data"), key: logKey.verifierKey, policy: policy
        ).verify()
        #expect(report.faults.isEmpty)
    }

    @Test("A server can be a witness of others beside its own work")
    func mountedWitness() async throws {
        let other = try LedgerKey(name: "custody/00000002", seed: Array(0..<32))
        let policy = try WitnessPolicy(parsing: Array("log \(other.verifierKey)\nquorum none\n".utf8))
        try await TestServer.run({ $0.witnessedLogs = policy }) { server, client in
            let checkpoint = Checkpoint(origin: "custody/00000002", size: 0, root: MerkleHashing.emptyRoot)
            let signed = try SignedCheckpoint(signing: checkpoint, with: other)
            let body = AddCheckpointRequest(oldSize: 0, proof: [], note: signed.note).bytes
            let answer = try await client.send(.post, "/witness/add-checkpoint", bytes: body, token: nil)
            #expect(answer.status == 200 && answer.text.hasPrefix("— custody-witness/"))
            let again = AddCheckpointRequest(oldSize: 7, proof: [], note: signed.note).bytes
            #expect(try await client.send(.post, "/witness/add-checkpoint", bytes: again, token: nil).status == 400)
            #expect(try await client.send(.post, "/witness/add-checkpoint", "x", token: nil).status == 400)
            let hash = Witness.hash(of: "custody/00000002")
            let kept = try await client.send(.get, "/witness/\(hash)/checkpoint", token: nil)
            #expect(kept.status == 200 && kept.text.contains("custody-witness/"))
            #expect(try await client.send(.get, "/witness/00/checkpoint", token: nil).status == 404)
        }
    }

    @Test("What an operator did to key and guard while no server ran becomes a leaf with the next start")
    func pendingLeaves() async throws {
        let places = try Places()
        let configure: @Sendable (inout ServerConfiguration) -> Void = { [guardPath = places.path("guard")] in
            $0.guardDirectory = guardPath
        }
        try await TestServer.run(configure, in: places("data")) { server, client in
            _ = try await client.send(.post, "/v1/events", Self.event(1))
            #expect(await Self.published(1, server))
            #expect(throws: DurableFilesError.self) {
                try LedgerOffice(data: FilePath(server.directory.path), guardDirectory: places.path("guard"))
            }
        }
        let old = try #require(DataDirectoryVerifier.ownKey(of: places.path("data")))
        let new: VerifierKey
        do {
            let office = try LedgerOffice(data: places.path("data"), guardDirectory: places.path("guard"))
            new = try office.rotate(reason: "a test", overlapDays: 1)
        }
        #expect(new != old)
        try await TestServer.run(configure, in: places("data")) { server, client in
            let state = server.service.state
            try await PendingLeaves(data: places.path("data"), fileSystem: RealFileSystem())
                .submit(to: state.intake, now: state.now)
            #expect(await Self.published(2, server))
            let note = try #require(state.ledger.latest).note
            #expect(try Set(note.verified(by: [old, new])) == [old, new])
            let statement = try await client.send(.get, "/ledger/keys/1", token: nil)
            #expect(try KeyChange(parsing: Array(statement.text.utf8)).new == new)
            #expect(try await client.send(.get, "/ledger/keys/2", token: nil).status == 404)
            #expect(try await client.search("source:custody action:ledger.key_change", expecting: 1).count == 1)
        }
        let report = try await DataDirectoryVerifier(
            directory: places.path("data"), key: new, formerKeys: [old]
        ).verify()
        #expect(report.isIntact, "\(report.faults)")
    }
}

@Suite("Copies of the checkpoint")
struct CheckpointCopiesTests {
    private struct Refused: Error {}

    private func signed(_ size: UInt64) throws -> SignedCheckpoint {
        let key = try LedgerKey(name: "custody/0123abcd", seed: Array(0..<32))
        return try SignedCheckpoint(
            signing: Checkpoint(origin: key.verifierKey.name, size: size, root: MerkleHashing.emptyRoot), with: key)
    }

    @Test("A directory gets the latest checkpoint, and keeps one file of each size for ever")
    func directory() async throws {
        let disk = FaultingFileSystem(seed: 1)
        let copies = CheckpointCopies([.init(target: .directory("/copies"), seconds: 60)], fileSystem: disk)
        for size in [5, 9] as [UInt64] { await copies.copy(try signed(size), to: 0) }
        #expect(try disk.list("/copies") == ["checkpoint", "checkpoint.5", "checkpoint.9"])
        #expect(try disk.contents(of: "/copies/checkpoint") == signed(9).note.bytes)
        #expect(copies.statuses[0].size == 9 && copies.statuses[0].failures == 0)
    }

    @Test("A place that fails is counted and shown, and is tried again at its pace; cancellation ends it")
    func failure() async throws {
        let latest = try signed(5)
        let attempts = AsyncStream.makeStream(of: String.self)
        let pauses = AsyncStream.makeStream(of: Duration.self)
        let copies = CheckpointCopies(
            [.init(target: .url("https://archive.example/c"), seconds: 7)], fileSystem: FaultingFileSystem(seed: 1),
            put: { body, url in
                attempts.continuation.yield(url)
                return 503
            },
            sleep: { pause in
                pauses.continuation.yield(pause)
                try Task.checkCancellation()
                await Task.yield()
            })
        let running = Task { await copies.run { latest } }
        var urls = attempts.stream.makeAsyncIterator()
        for _ in 0..<3 { #expect(await urls.next() == "https://archive.example/c") }
        running.cancel()
        await running.value
        var taken = pauses.stream.makeAsyncIterator()
        #expect(await taken.next() == .seconds(7))
        #expect(copies.statuses[0].failures >= 3 && copies.statuses[0].failure == "it answered 503")
        #expect(copies.statuses[0].size == 0)
    }
}
