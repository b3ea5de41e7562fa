import AccessControl
import Delivery
import DurableFiles
import EventModel
import EventStore
import Foundation
import HTTPTypes
import HummingbirdTesting
import Intake
import Journal
import Ledger
import SystemPackage
import Testing

@testable import CustodyServer

@Suite("Retention, holds and redaction on a whole server", .serialized)
struct DestructionTests {
    private let place = FileManager.default.temporaryDirectory.appendingPathComponent("custody-\(UUID().uuidString)")
    private let clock = MovingClock()

    private func withServer(
        _ body: @escaping @Sendable (TestServer, any TestClientProtocol, Approvals) async throws -> Void
    ) async throws {
        let clock = clock
        try await TestServer.run(in: place, now: { clock.now }) { server, client in
            try await body(server, client, try Approvals(ledger: server.service.state.ledgerKey.verifierKey))
        }
    }

    private func removeAll() { try? FileManager.default.removeItem(at: place) }

    private static func send(_ count: Int, from start: Int, _ client: any TestClientProtocol) async throws -> UInt64 {
        let lines = (start..<start + count).map {
            #"{"id":"\#($0)","actor":"person\#($0 % 5)","ip":"198.51.100.\#($0 % 200)","action":"x.y","note":"n\#($0)"}"#
        }
        let answer = try await client.send(.post, "/v1/events", lines.joined(separator: "\n"))
        #expect(answer.status == 200, "\(answer.text)")
        return UInt64(answer["first_index"] as? Int ?? 0)
    }

    /// Alice and Bob become approvers, and class 0 is kept for 30 days.
    private static func setUp(_ client: any TestClientProtocol, _ approvals: Approvals, _ clock: MovingClock)
        async throws
    {
        let (alice, bob) = (approvals.alice, approvals.bob)
        for note in [
            try approvals.adding(alice, at: clock.now, by: [alice]),
            try approvals.adding(bob, at: clock.now, by: [alice, bob]),
        ] {
            let answer = try await client.send(.post, "/v1/approvers", Approvals.body(note))
            #expect(answer.status == 201, "\(answer.text)")
        }
        let policy = try approvals.retention(days: 30, at: clock.now, by: [alice, bob])
        let answer = try await client.send(.post, "/v1/retention", Approvals.body(policy))
        #expect(answer.status == 201, "\(answer.text)")
    }

    private func verify(deep: Bool = false, after known: Checkpoint? = nil) async throws -> VerificationReport {
        let path = FilePath(place.path)
        let key = try #require(DataDirectoryVerifier.ownKey(of: path))
        return try await DataDirectoryVerifier(directory: path, key: key, isDeep: deep).verify(after: known)
    }

    /// The ledger as it was when it had fewer leaves.
    private func checkpoint(of size: UInt64) throws -> Checkpoint {
        let path = FilePath(place.path)
        let key = try #require(DataDirectoryVerifier.ownKey(of: path))
        let ledger = try LedgerReader(directory: path.appending("ledger"), fileSystem: RealFileSystem(), key: key)
        return Checkpoint(origin: key.name, size: size, root: try ledger.root(of: size))
    }

    /// Places of stored records, unpacked, that hold some text.
    private func records(holding text: String) throws -> [String] {
        let path = FilePath(place.path)
        var places: [String] = []
        func look(_ bytes: UnsafeRawBufferPointer, _ place: String) {
            if Data(bytes).range(of: Data(text.utf8)) != nil { places.append(place) }
        }
        let segments = try SegmentInspection(directory: path.appending("segments"), fileSystem: RealFileSystem())
        for segment in segments.segments {
            try segment.withRecords(0..<segment.rowCount) { _, view in
                look(view.bytes, segment.name)
                return true
            }
        }
        _ = try JournalVerifier(directory: path.appending("journal"), fileSystem: RealFileSystem()).verify(
            visit: { batch in try batch.forEach { index, record, _ in look(record, "journal, leaf \(index)") } },
            report: { Issue.record("\($0)") })
        return places
    }

    /// Every file of the data directory that holds some text, whatever else is in it.
    private func files(holding text: String) throws -> [String] {
        let walk = try #require(FileManager.default.enumerator(atPath: place.path))
        return walk.compactMap { $0 as? String }.filter { name in
            let data = FileManager.default.contents(atPath: place.path + "/" + name) ?? Data()
            return data.range(of: Data(text.utf8)) != nil
        }
    }

    @Test(
        "What is older than its policy goes, but for what is held; the rest verifies, also after a restart and a rebuild"
    )
    func retention() async throws {
        defer { removeAll() }
        let clock = clock
        try await withServer { server, client, approvals in
            let first = try await Self.send(600, from: 0, client)
            _ = try await client.search("action:x.y", expecting: 600)
            try await Self.setUp(client, approvals, clock)
            let hold = try await client.send(
                .post, "/v1/holds", #"{"name":"case","leaves":[[\#(first + 100),\#(first + 119)]]}"#)
            #expect(hold.status == 201, "\(hold.text)")
            // The notice period is not over, and nothing is old enough.
            #expect(try await client.send(.get, "/v1/retention/preview")["events"] as? Int == 0)
            clock.advance(days: 32)
            _ = try await Self.send(50, from: 1_000, client)
            _ = try await client.search("action:x.y", expecting: 650)
            let preview = try await client.send(.get, "/v1/retention/preview")
            let planned = try #require(preview["events"] as? Int)
            #expect(planned >= 580, "\(preview.text)")
            let done = try await client.send(.post, "/v1/retention/run")
            #expect(done.status == 200, "\(done.text)")
            #expect(try #require(done["events"] as? Int) >= 580)
            #expect(try await client.search("action:x.y", expecting: 70).count == 70)
            let gone = try await client.send(.get, "/v1/events/\(first + 5)")
            #expect(gone.status == 410 && gone.code == "destroyed", "\(gone.text)")
            #expect(try await client.send(.get, "/v1/events/\(first + 105)").status == 200)
            // Nothing is left for a second run.
            #expect(try await client.send(.post, "/v1/retention/run")["events"] as? Int == 0)
        }
        let report = try await verify(deep: true)
        #expect(report.faults == [] && report.isIntact)
        #expect(report.counts.lawfullyDestroyed >= 580)
        #expect(report.counts.missing == 0 && report.counts.destroyedWithoutAuthority == 0)
        var configuration = ServerConfiguration()
        configuration.dataDirectory = FilePath(place.path)
        _ = try Rebuilding(configuration).run()
        let rebuilt = try await verify(deep: true)
        #expect(rebuilt.faults == [] && rebuilt.counts == report.counts)
        try await withServer { _, client, _ in
            let found = try await client.search("action:x.y", expecting: 70)
            #expect(found.count == 70)
        }
        #expect(try await verify().isIntact)
    }

    @Test("A redacted value is nowhere in the data directory; the rest of the event is found and verifies")
    func redaction() async throws {
        defer { removeAll() }
        let clock = clock
        let planted = "jane.planted.value@acme.example"
        try await withServer { server, client, approvals in
            _ = try await Self.send(300, from: 0, client)
            let event = #"{"id":"p","actor":"\#(planted)","action":"secret.read","ip":"203.0.113.9"}"#
            let sent = try await client.send(.post, "/v1/events", event)
            let index = UInt64(try #require(sent["first_index"] as? Int))
            _ = try await Self.send(10, from: 500, client)
            try await Self.setUp(client, approvals, clock)
            let request = try approvals.redaction(
                [[index, index]], ["actor"], at: clock.now, by: [approvals.alice, approvals.bob])
            let done = try await client.send(.post, "/v1/redactions", Approvals.body(request))
            #expect(done.status == 201, "\(done.text)")
            #expect(try await client.search("action:secret.read ip:203.0.113.9", expecting: 1).count == 1)
            #expect(
                try await client.send(.get, "/v1/search?since=2000-01-01&q=planted").json["events"] as? [String] == [])
            let shown = try await client.send(.get, "/v1/events/\(index)")
            #expect(shown.status == 200 && !shown.text.contains("planted"), "\(shown.text)")
            #expect(try await client.send(.get, "/v1/events/\(index)/raw").status == 404)
            let pack = try await client.send(.post, "/v1/export", #"{"q":"action:secret.read","since":"2000-01-01"}"#)
            #expect(pack.status == 200, "\(pack.text)")
            let key = server.service.state.ledgerKey.verifierKey
            let proved = try EvidenceVerifier(key: key).verify(Array(pack.text.utf8)) { _, groups in
                #expect(groups[0] != nil && groups[1] == nil && groups[2] != nil && groups[5] == nil)
            }
            #expect(proved.events == 1)
            // The bundle goes on with another seed.
            _ = try await Self.send(20, from: 600, client)
            // A request is good once.
            #expect(try await client.send(.post, "/v1/redactions", Approvals.body(request)).status == 403)
        }
        #expect(try files(holding: planted) == [])
        #expect(try records(holding: planted) == [])
        let report = try await verify(deep: true)
        #expect(report.faults == [] && report.isIntact)
        #expect(report.notes.contains { $0.contains("1 of the verified events were redacted lawfully") })
        var configuration = ServerConfiguration()
        configuration.dataDirectory = FilePath(place.path)
        _ = try Rebuilding(configuration).run()
        #expect(try await verify(deep: true).counts == report.counts)
    }

    @Test("A redacted value is in no alert, no notification, no memory of a detector and no refused entry either")
    func copies() async throws {
        let rules = FileManager.default.temporaryDirectory.appendingPathComponent("rules-\(UUID().uuidString)")
        defer {
            removeAll()
            try? FileManager.default.removeItem(at: rules)
        }
        try FileManager.default.createDirectory(at: rules, withIntermediateDirectories: true)
        try Self.rules.write(to: rules.appendingPathComponent("r.yml"), atomically: true, encoding: .utf8)
        let clock = clock
        let planted = "jane.planted.value@acme.example"
        // Nobody listens there: messages wait.
        var webhook = DestinationSettings()
        webhook.name = "on-call"
        webhook.url = "http://127.0.0.1:9/"
        webhook.secret = "whsec_" + Data("a secret of at least 24 bytes".utf8).base64EncodedString()
        let destination = webhook
        try await TestServer.run(
            {
                $0.ruleDirectories = [rules.path]
                $0.notifications = [destination]
            }, in: place, now: { clock.now }
        ) { server, client in
            let approvals = try Approvals(ledger: server.service.state.ledgerKey.verifierKey)
            let event = #"{"id":"p","actor":"\#(planted)","action":"repo.delete","resource":"acme/api"}"#
            let sent = try await client.send(.post, "/v1/events?source=acme", event)
            let index = UInt64(try #require(sent["first_index"] as? Int))
            let refused = try await client.send(.post, "/v1/events?source=acme", #"{"id":"q","actor":"\#(planted)"#)
            #expect((refused["rejected"] as? [Any])?.count == 1, "\(refused.text)")
            let deadline = ContinuousClock.now + .seconds(10)
            while try server.service.state.notifications.outbox.list(.pending).isEmpty, ContinuousClock.now < deadline {
                await Task.yield()
            }
            try await Self.setUp(client, approvals, clock)
            let request = try approvals.redaction(
                [[index, index]], ["actor"], at: clock.now, by: [approvals.alice, approvals.bob])
            let done = try await client.send(.post, "/v1/redactions", Approvals.body(request))
            #expect(done.status == 201, "\(done.text)")
            // Built-in rules tell of the approvers and of the redaction; this is about the message that has the value.
            let messages = try server.service.state.notifications.outbox.list(.pending).filter {
                String(decoding: $0.body, as: UTF8.self).contains("Deletion by a person")
            }
            #expect(messages.count == 1 && String(decoding: messages[0].body, as: UTF8.self).contains("[redacted]"))
            let entries = try await server.service.state.quarantine.list(source: "acme", limit: 10)
            #expect(entries.count == 1 && entries[0].bytes.isEmpty && entries[0].size > 0)
        }
        // Custody's own event of the alert names the entity: an event by itself, redacted like any other (docs/retention.md).
        #expect(try files(holding: planted).allSatisfy { $0.hasPrefix("segments/") || $0.hasPrefix("journal/") })
        #expect(try await verify().isIntact)
    }

    /// One that raises, and one that waits for what has to follow.
    private static let rules = """
        title: Deletion by a person
        id: 3c1f0b1e-6a57-4f0e-9d55-0d1c9b7f0a01
        status: stable
        level: high
        logsource: {category: supply_chain}
        detection:
            s: {custody.action: repo.delete}
            condition: s
        ---
        title: Deletion without a notice
        id: 3c1f0b1e-6a57-4f0e-9d55-0d1c9b7f0a02
        status: stable
        level: high
        logsource: {category: supply_chain}
        detection:
            s: {custody.action: repo.delete}
            condition: s
        custody:
            baseline: {type: missing, per: custody.actor.name, followed-by: itself, within: 5d, grace: 5m, learn: 1d}
        """

    @Test("Without two approvers nothing is redacted, and the attempt is on record")
    func refused() async throws {
        defer { removeAll() }
        let clock = clock
        try await withServer { _, client, approvals in
            let first = try await Self.send(10, from: 0, client)
            try await Self.setUp(client, approvals, clock)
            let alone = try approvals.redaction([[first, first]], ["actor"], at: clock.now, by: [approvals.alice])
            let answer = try await client.send(.post, "/v1/redactions", Approvals.body(alone))
            #expect(answer.status == 403 && answer.code == "not_approved", "\(answer.text)")
            _ = try await client.search("actor:person1", expecting: 2)
            let hold = try await client.send(.post, "/v1/holds", #"{"name":"case","q":"actor:person1"}"#)
            #expect(hold.status == 201, "\(hold.text)")
            let held = try approvals.redaction(
                [[first, first + 9]], ["actor"], at: clock.now, by: [approvals.alice, approvals.bob])
            #expect(try await client.send(.post, "/v1/redactions", Approvals.body(held)).status == 409)
            let found = try await client.search("source:custody action:redaction.run outcome:denied", expecting: 2)
            #expect(found.count == 2)
            // Somebody who may only send cannot even look.
            #expect(try await client.send(.get, "/v1/holds", token: "nobody-nobody-nobody-nobody-nobody").status == 401)
        }
        #expect(try await verify().isIntact)
    }

    @Test("A segment that is removed without a certificate is missing, and one with a forged certificate is unproven")
    func forged() async throws {
        defer { removeAll() }
        let clock = clock
        try await withServer { server, client, approvals in
            _ = try await Self.send(100, from: 0, client)
            try await Self.setUp(client, approvals, clock)
            // Whoever has the server can write leaves, but not the approvers' signatures.
            var document = SystemDocument(.destroy)
            document.class = 0
            document.policy = server.service.state.records.history.policies.last?.leaf
            document.leaves = [[0, 50]]
            let entry = AuditEntry("retention.destroy", activity: "delete", actor: .system, resource: ("x", nil))
            try await server.service.state.records.commit(
                [.init(document: document, entry: entry)], beginsJournalFile: true)
        }
        // A start with nothing to do lets the journal forget what is in segments.
        clock.advance(days: 1)
        let report = try await verify()
        #expect(report.isIntact)
        let segments = FilePath(place.path).appending("segments")
        let manifest = segments.appending("manifest")
        var lines = String(decoding: try Data(contentsOf: URL(fileURLWithPath: manifest.string)), as: UTF8.self)
            .split(separator: "\n").map(String.init)
        lines.removeAll { $0.hasPrefix("segment") && $0.contains(" 0 leaves ") || $0.hasPrefix("checksum") }
        let text = lines.joined(separator: "\n") + "\n"
        try Data((text + StoredManifest.checksumLine(of: text)).utf8).write(to: URL(fileURLWithPath: manifest.string))
        for name in try FileManager.default.contentsOfDirectory(atPath: place.path + "/journal").sorted().dropLast() {
            try FileManager.default.removeItem(atPath: place.path + "/journal/" + name)
        }
        let after = try await verify()
        #expect(!after.isIntact)
        #expect(after.counts.destroyedWithoutAuthority == 51, "\(after.counts) \(after.faults)")
        #expect(after.counts.missing > 0 && after.counts.lawfullyDestroyed == 0)
    }

    @Test("A redaction whose process ended before it was done is done by the next start")
    func resumed() async throws {
        defer { removeAll() }
        let clock = clock
        let planted = "jane.planted.value@acme.example"
        try await withServer { server, client, approvals in
            let sent = try await client.send(.post, "/v1/events", #"{"id":"p","actor":"\#(planted)","action":"x.y"}"#)
            let index = UInt64(try #require(sent["first_index"] as? Int))
            try await Self.setUp(client, approvals, clock)
            var document = SystemDocument(.redact)
            document.approval = try approvals.redaction(
                [[index, index]], ["actor"], at: clock.now, by: [approvals.alice, approvals.bob])
            let entry = AuditEntry("event.redact", activity: "delete", actor: .system, resource: ("event", nil))
            try await server.service.state.records.commit([.init(document: document, entry: entry)])
        }
        #expect(try records(holding: planted) != [])
        try await withServer { server, _, _ in
            let files = try await server.service.state.destruction.carryOut(isResumed: true)
            let again = try await server.service.state.destruction.carryOut(isResumed: true)
            #expect(files > 0 && again == 0)
        }
        #expect(try records(holding: planted) == [])
        let report = try await verify(deep: true)
        #expect(report.isIntact && report.faults == [])
    }

    @Test("Groups that go without a record, and payloads that change places, are found")
    func withoutRecord() async throws {
        defer { removeAll() }
        try await withServer { server, client, _ in
            let first = try await Self.send(100, from: 0, client)
            _ = try await client.search("action:x.y", expecting: 100)
            var change = SegmentRewrite { group, salt, bytes in
                salt.withUnsafeBytes { salt in
                    EventCommitment.groupHash(group: group, salt: salt, bytes: bytes).withUnsafeBytes { Bytes32($0) }
                }
            }
            change.redacted[first + 3] = [.actor, .raw]
            let state = server.service.state
            let files = try await state.destruction.orders.destroy(change)
            #expect(files > 0)
            // The journal forgets what is in segments once it has begun another file.
            let entry = AuditEntry("journal.begin", activity: "other", actor: .system, resource: ("journal", nil))
            try await OwnEvents.submit([entry], to: state.intake, now: WallClock.now(), beginsJournalFile: true)
            let deadline = ContinuousClock.now + .seconds(10)
            while state.journal.indexes.lowerBound < first + 100, ContinuousClock.now < deadline {
                state.intake.committer.recycle()
                await Task.yield()
            }
        }
        let report = try await verify()
        #expect(!report.isIntact)
        #expect(report.counts.destroyedWithoutAuthority == 1 && report.counts.altered == 0, "\(report.faults)")
        let segments = FilePath(place.path).appending("segments")
        let file = try #require(try SegmentForgery.largestSegment(in: segments))
        try SegmentForgery.swapFirstRows(of: file, in: segments)
        let swapped = try await verify()
        #expect(swapped.counts.altered == 2, "\(swapped.counts)")
    }

    @Test("Segments get their seals; an index that hides an event is found by its seal and by rebuilding")
    func seals() async throws {
        defer { removeAll() }
        try await withServer { _, client, _ in _ = try await Self.send(700, from: 0, client) }
        try await withServer { server, _, _ in
            let state = server.service.state
            let sealer = SegmentSealer(leaves: state.records, store: state.storeView, logger: state.logger)
            let first = try await sealer.seal()
            let second = try await sealer.seal()
            #expect(first > 0 && second == 0)
        }
        let report = try await verify()
        #expect(report.isIntact && report.faults == [])
        #expect(try await verify(deep: true).isIntact)
        let file = try #require(try SegmentForgery.largestSegment(in: FilePath(place.path).appending("segments")))
        try SegmentForgery.hideFirstIdentifier(of: file, in: FilePath(place.path).appending("segments"))
        for isDeep in [false, true] {
            let hidden = try await verify(deep: isDeep)
            let reason = "the index is not the one that its events give (identifiers"
            #expect(hidden.faults.contains { $0.contains(reason) })
            #expect(hidden.counts.altered == 0)
        }
        // What a column hides is hidden from the event too, which its leaf tells: also where only later leaves are news.
        try SegmentForgery.hideFirstRow(of: file, .actorName, in: FilePath(place.path).appending("segments"))
        for (isDeep, known) in [(false, nil), (true, nil), (false, try checkpoint(of: 300))] {
            let hidden = try await verify(deep: isDeep, after: known)
            #expect(!hidden.isIntact && hidden.counts.altered == 1)
            // Its payload refers to what is hidden.
            #expect(hidden.faults.contains { $0.contains("row 0 is malformed") })
        }
    }
}
