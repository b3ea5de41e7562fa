import AccessControl
import Connectors
import EventModel
import EventStore
import Foundation
import HTTPTypes
import HummingbirdTesting
import Intake
import Ledger
import SystemPackage
import Testing

@testable import CustodyServer

@Suite("Reading a source's history again, on a whole server", .serialized)
final class RenormalisationTests {
    private let place = FileManager.default.temporaryDirectory.appendingPathComponent("custody-\(UUID().uuidString)")
    private var connectors: URL { place.appendingPathComponent("connectors") }
    private var data: URL { place.appendingPathComponent("data") }

    private static let first = """
        name: doorbell
        version: 1
        fields:
          time: rung_at
          action: "door.{kind}"
          resource.name: house

        """
    private static let mended = """
        name: doorbell
        version: 2
        fields:
          time: rung_at
          action: {from: kind, map: {r: door.ring, o: door.open}, default: door.other}
          actor.name: visitor.name
          resource.name: house

        """

    init() throws { try FileManager.default.createDirectory(at: connectors, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(at: place) }

    private static func write(_ text: String, in directory: URL) throws {
        try Data(text.utf8).write(to: directory.appendingPathComponent("doorbell.yaml"))
    }

    private func withServer(
        _ body: @escaping @Sendable (TestServer, any TestClientProtocol) async throws -> Void
    ) async throws {
        let path = connectors.path
        try await TestServer.run({ $0.connectorDirectories = [path] }, in: data, body)
    }

    private static func send(_ count: Int, _ client: any TestClientProtocol) async throws -> Int {
        let added = try await client.send(.post, "/v1/sources", #"{"name":"bells","connector":"doorbell"}"#)
        #expect(added.status == 201, "\(added.text)")
        let lines = (0..<count).map {
            #"{"rung_at":"2026-11-\#(10 + $0 % 10)T10:00:00Z","kind":"\#($0 % 2 == 0 ? "r" : "o")","house":"h\#($0 % 3)","visitor":{"name":"mona\#($0 % 4)"}}"#
        }
        let answer = try await client.send(.post, "/v1/events?source=bells", lines.joined(separator: "\n"))
        #expect(answer.status == 200, "\(answer.text)")
        #expect(try await client.search("source.name:=bells", expecting: count).count == count)
        return try #require(answer["first_index"] as? Int)
    }

    /// Mends the connector's file and lets the server take it over, as its reloader does.
    private static func mend(_ text: String, in directory: URL, _ server: TestServer) throws {
        try write(text, in: directory)
        let reloader = ConnectorReloader(server.service.state)
        reloader.reload()
        reloader.reload()
    }

    /// Starts a run and follows it to its end.
    private static func renormalise(
        _ client: any TestClientProtocol, _ body: String = "{}"
    ) async throws -> Answer {
        let started = try await client.send(.post, "/v1/sources/bells/renormalise", body)
        #expect(started.status == 202, "\(started.text)")
        var answer = started
        while answer["state"] as? String == "running" {
            await Task.yield()
            answer = try await client.send(.get, "/v1/renormalisation")
        }
        return answer
    }

    @Test("A mended connector makes history searchable; what is sealed, its proof and its evidence stay as they were")
    func history() async throws {
        let connectors = connectors
        try Self.write(Self.first, in: connectors)
        try await withServer { server, client in
            let first = try await Self.send(40, client)
            try Self.mend(Self.mended, in: connectors, server)
            #expect(try await client.search("action:door.ring", expecting: 0).isEmpty)

            let dry = try await Self.renormalise(client, #"{"dry_run":true}"#)
            #expect(dry["state"] as? String == "done" && dry["differing"] as? Int == 40, "\(dry.text)")
            #expect(dry["events"] as? Int == 40 && dry["read"] as? Int == 40 && dry["unreadable"] as? Int == 0)
            let examples = try #require(dry["examples"] as? [[String: Any]])
            let differences = try #require(examples.first?["differences"] as? [[String: Any]])
            #expect(examples.count == 5)
            #expect(differences.map { $0["field"] as? String } == ["action", "actor.name"])
            #expect(differences[0]["sealed"] as? String == "door.r" && differences[0]["now"] as? String == "door.ring")
            #expect(try await client.search("action:door.ring", expecting: 0).isEmpty)

            let run = try await Self.renormalise(client)
            #expect(run["state"] as? String == "done" && run["differing"] as? Int == 40, "\(run.text)")
            #expect((run["connectors"] as? [String: Int]) == ["doorbell/2": 40])
            let found = try await client.search("action:=door.ring", expecting: 20)
            #expect(found.count == 20)
            #expect(found.allSatisfy { ($0["norm"] as? [String: Any])?["overlay"] as? String == "doorbell/2" })
            #expect(try await client.search("actor:mona1", expecting: 10).count == 10)
            let sealed = try await client.send(
                .get, "/v1/search?since=2000-01-01&reading=sealed&q=action%3Adoor.r")
            #expect((sealed["events"] as? [Any])?.count == 20)
            #expect(try await client.send(.get, "/v1/search?reading=other").code == "invalid_reading")
            let values = try await client.send(
                .get, "/v1/fields/actor.name/values?q=source.name%3Abells%20time%3A%3E2000-01-01")
            #expect((values["values"] as? [Any])?.count == 4)

            // One event: as it was sealed, and what it reads like now.
            let event = try await client.send(.get, "/v1/events/\(first)")
            #expect(event["action"] as? String == "door.r" && event["actor"] == nil)
            let overlay = try #require(event["overlay"] as? [String: Any])
            #expect(overlay["action"] as? String == "door.ring")
            #expect((overlay["norm"] as? [String: Any])?["overlay"] as? String == "doorbell/2")

            let page = try await Browser.signedIn(client).get("/events/\(first)")
            #expect(page.text.contains("Read again") && page.text.contains("door.ring"))

            // Proof and evidence are of what was sealed.
            #expect(try await client.send(.get, "/v1/events/\(first)/proof").status == 200)
            let pack = try await client.send(.post, "/v1/export", #"{"q":"source.name:bells","since":"2000-01-01"}"#)
            let verifier = EvidenceVerifier(key: server.service.state.ledgerKey.verifierKey)
            let report = try verifier.verify(Array(pack.text.utf8)) { _, groups in
                let envelope = String(decoding: groups[FieldGroup.envelope.rawValue] ?? [], as: UTF8.self)
                #expect(envelope.contains("door.r") || envelope.contains("door.o"))
                #expect(!envelope.contains("door.ring") && !envelope.contains("doorbell/2"))
            }
            #expect(report.events == 40)
            let none = try await client.send(.post, "/v1/export", #"{"q":"action:door.ring","since":"2000-01-01"}"#)
            #expect(try verifier.verify(Array(none.text.utf8)).events == 0)

            // A destruction leaves no example that could quote what it takes.
            #expect((run["examples"] as? [Any])?.count == 5)
            server.service.state.renormalisations.forgetExamples()
            let quoted = try await client.send(.get, "/v1/renormalisation")
            #expect((quoted["examples"] as? [Any])?.isEmpty == true && quoted["differing"] as? Int == 40)

            // The run and what came of it are on record.
            let records = try await client.search(
                "source:custody action:(source.renormalise OR source.renormalised)", expecting: 4)
            #expect(records.count == 4)
            let metrics = try await client.send(.get, "/metrics").text
            #expect(metrics.contains("custody_overlay_rows 40"))
        }
        // After a restart; and what is on disk verifies.
        try await withServer { _, client in
            let found = try await client.search("action:=door.ring", expecting: 20)
            let status = try await client.send(.get, "/v1/renormalisation").status
            #expect(found.count == 20 && status == 404)
        }
        try await verify()
    }

    private func verify() async throws {
        let directory = FilePath(data.path)
        let key = try #require(DataDirectoryVerifier.ownKey(of: directory))
        let report = try await DataDirectoryVerifier(directory: directory, key: key).verify()
        #expect(report.isIntact, "\(report.faults)")
    }

    @Test("Rebuilding keeps the reading; a backup carries it and a restored directory has it")
    func rebuildAndBackup() async throws {
        let connectors = connectors
        try Self.write(Self.first, in: connectors)
        try await withServer { server, client in
            _ = try await Self.send(12, client)
            try Self.mend(Self.mended, in: connectors, server)
            #expect(try await Self.renormalise(client)["differing"] as? Int == 12)
        }
        var configuration = ServerConfiguration()
        configuration.dataDirectory = FilePath(data.path)
        configuration.connectorDirectories = [connectors.path]
        let rebuilt = try Rebuilding(configuration).run()
        #expect(rebuilt.droppedOverlays.isEmpty && rebuilt.differing.isEmpty)
        try await withServer { _, client in
            let found = try await client.search("action:=door.ring", expecting: 6)
            #expect(found.count == 6)
        }
        let key = try #require(DataDirectoryVerifier.ownKey(of: FilePath(data.path)))
        let copy = FilePath(place.appendingPathComponent("copy").path)
        let backup = Backup(of: FilePath(data.path), to: copy, key: key)
        let report = try await backup.run(includingKeys: true, now: WallClock.now())
        #expect(report.verification.isIntact, "\(report.verification.faults)")
        let restored = place.appendingPathComponent("restored")
        _ = try await Restore(from: copy, to: FilePath(restored.path)).run(
            key: nil, memory: nil, now: WallClock.now())
        let path = connectors.path
        try await TestServer.run({ $0.connectorDirectories = [path] }, in: restored) { _, client in
            let found = try await client.search("action:=door.ring", expecting: 6)
            #expect(found.count == 6)
        }
    }

    @Test("Verification names an overlay that was changed, and one that is no reading of what was sealed")
    func verification() async throws {
        let connectors = connectors
        try Self.write(Self.first, in: connectors)
        try await withServer { server, client in
            _ = try await Self.send(4, client)
            try Self.mend(Self.mended, in: connectors, server)
            #expect(try await Self.renormalise(client)["differing"] as? Int == 4)
        }
        try await verify()
        let overlays = data.appendingPathComponent("overlays")
        let files = try #require(FileManager.default.enumerator(at: overlays, includingPropertiesForKeys: nil))
        let segment = try #require(files.allObjects.compactMap { $0 as? URL }.first { $0.pathExtension == "segment" })
        var bytes = try Data(contentsOf: segment)
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: segment)
        let directory = FilePath(data.path)
        let key = try #require(DataDirectoryVerifier.ownKey(of: directory))
        let report = try await DataDirectoryVerifier(directory: directory, key: key).verify()
        #expect(!report.isIntact && report.faults.contains { $0.hasPrefix("overlays/") }, "\(report.faults)")
        #expect(report.counts.altered == 0 && report.counts.missing == 0)
    }

    @Test("With a moment given, only what was received since is read; older events keep the reading that they had")
    func since() async throws {
        let connectors = connectors
        try Self.write(Self.first, in: connectors)
        try await withServer { server, client in
            _ = try await Self.send(8, client)
            try Self.mend(Self.mended, in: connectors, server)
            #expect(try await Self.renormalise(client)["differing"] as? Int == 8)
            let moment = server.service.state.now().text
            try Self.mend(Self.mended.replacing("version: 2", with: "version: 33"), in: connectors, server)
            let run = try await Self.renormalise(client, #"{"since":"\#(moment)"}"#)
            #expect(run["kept"] as? Int == 8 && run["read"] as? Int == 0 && run["events"] as? Int == 0, "\(run.text)")
            #expect(try await client.search("norm.overlay:=doorbell/2", expecting: 8).count == 8)
            // A connector that reads everything as it was sealed leaves no reading.
            try Self.mend(Self.first.replacing("version: 1", with: "version: 444"), in: connectors, server)
            let back = try await Self.renormalise(client)
            #expect(back["differing"] as? Int == 0 && back["read"] as? Int == 8)
            #expect(try await client.search("norm.overlay:*", expecting: 0).isEmpty)
        }
    }

    @Test("Only an administrator may begin or end a run, one at a time, of a source that there is")
    func refusals() async throws {
        let connectors = connectors
        try Self.write(Self.first, in: connectors)
        try await withServer { server, client in
            _ = try await Self.send(2, client)
            #expect(try await client.send(.get, "/v1/renormalisation").status == 404)
            #expect(try await client.send(.delete, "/v1/renormalisation").status == 404)
            for name in ["nobody", "custody"] {
                #expect(try await client.send(.post, "/v1/sources/\(name)/renormalise", "{}").status == 404)
            }
            let reader = try await client.send(.post, "/v1/tokens", #"{"name":"r","scopes":["read"]}"#)
            let token = try #require(reader["token"] as? String)
            let path = "/v1/sources/bells/renormalise"
            #expect(try await client.send(.post, path, "{}", token: token).status == 403)
            #expect(try await client.send(.delete, "/v1/renormalisation", token: token).status == 403)
            #expect(try await client.send(.post, path, #"{"since":"soon"}"#).code == "invalid_time")

            // A draft that is open keeps others out.
            let draft = try await server.service.state.destruction.orders.beginOverlay(of: "bells")
            let second = try await Self.renormalise(client)
            #expect(second["state"] as? String == "failed", "\(second.text)")
            server.service.state.destruction.orders.abandon(draft)
        }
    }

    @Test("A run that is stopped ends at the next batch and changes nothing")
    func stopped() async throws {
        struct Stop: Error {}
        let connectors = connectors
        try Self.write(Self.first, in: connectors)
        try await withServer { server, client in
            _ = try await Self.send(4, client)
            try Self.mend(Self.mended, in: connectors, server)
            let state = server.service.state
            let catalogue = state.catalogue
            let work = Rereading(
                source: "bells", since: nil, catalogue: catalogue,
                connector: try catalogue.connector(named: "doorbell"), limits: state.configuration.intake)
            let draft = try await state.destruction.orders.beginOverlay(of: "bells")
            var looks = 0
            #expect(throws: Stop.self) {
                try work.run(over: draft.segments, into: draft, progress: { _ in }) {
                    looks += 1
                    if looks > draft.segments.count { throw Stop() }
                }
            }
            state.destruction.orders.abandon(draft)
            let run = try await Self.renormalise(client)
            #expect(run["state"] as? String == "done" && run["differing"] as? Int == 4)
            #expect(await !state.renormalisations.stop())
        }
    }

    @Test("The fields of jobs' tokens are those that reading again leaves alone")
    func jobFields() {
        let github = [
            "repository": "a", "run_id": "1", "workflow": "w", "ref": "r", "sha": "s", "run_attempt": "1", "actor": "m",
            "actor_id": "2", "environment": "prod",
        ]
        let gitlab = [
            "project_path": "a", "pipeline_id": "1", "job_id": "2", "ref": "r", "sha": "s", "user_login": "m",
            "user_id": "3",
            "environment": "prod",
        ]
        for claims in [github, gitlab] {
            let fields = Set(WorkloadJob.fields(claims).map(\.field))
            #expect(fields.count > 5 && fields.isSubset(of: DeliveringWorkload.jobFields))
        }
    }
}
