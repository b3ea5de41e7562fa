import Connectors
import EventModel
import Foundation
import Testing

@testable import Intake

@Suite("Reading sealed events again")
struct EventRereaderTests {
    private static let first = """
        name: doorbell
        version: 1
        recognise:
          - has: [ring]
            score: 90
        event: $header.X-Bell-Event
        fields:
          time: rung_at
          action: "door.{kind}"
          corr.request: $header.X-Request-Id
          resource.name: [$header.X-House, house]
        """
    private static let mended = """
        name: doorbell
        version: 2
        recognise:
          - has: [ring]
            score: 90
        event: $header.X-Bell-Event
        fields:
          time: rung_at
          action: {from: $event, map: {pressed: door.ring, opened: door.open}, default: door.other}
          actor.name: visitor.name
          corr.request: $header.X-Request-Id
          resource.name: [$header.X-House, street]
        """
    private static let payload =
        #"{"ring":1,"kind":"x","rung_at":"2026-11-18T10:00:00Z","house":"seven","street":"High St","visitor":{"name":"mona"}}"#
    private static let headers = DeliveryHeaders([
        ("X-Bell-Event", "pressed"), ("X-Request-Id", "r-1"), ("X-House", "No 7"),
    ])

    private static func sealed(
        _ payload: String = payload, headers: DeliveryHeaders = headers, enrichment: Enrichment = .none
    ) throws -> [UInt8] {
        let catalogue = try RereadingFixture.catalogue(first)
        return try #require(
            try RereadingFixture.seal(
                Array(payload.utf8), headers: headers, with: catalogue,
                connector: catalogue.connector(named: "doorbell"), enrichment: enrichment
            ).first)
    }

    @Test("A mended connector reads fields anew; what only headers told stays as it was sealed")
    func mendedConnector() throws {
        let sealed = try Self.sealed()
        let catalogue = try RereadingFixture.catalogue(Self.mended)
        let connector = try catalogue.connector(named: "doorbell")
        let result = try RereadingFixture.reread(sealed, with: catalogue, connector: connector)
        #expect(
            result
                == .differs([
                    EventDifference(field: "action", group: .envelope, sealed: "door.x", now: "door.ring"),
                    EventDifference(field: "actor.name", group: .actor, sealed: nil, now: "mona"),
                ]))
        let reading = try #require(try RereadingFixture.reading(sealed, with: catalogue, connector: connector))
        #expect(try reading.sealedText(.normOverlay) == "doorbell/2")
        #expect(try reading.sealedText(.normVersion) == "doorbell/2")
        #expect(try reading.sealedText(.sourceEventType) == "pressed")
        #expect(try reading.sealedText(.corrRequest) == "r-1")
        #expect(try reading.sealedText(.resourceName) == "No 7")
        for field in [Field.id, .received, .sourceName, .sourceVerified, .payloadSHA256, .payloadSize] {
            #expect(try reading.sealedText(field) == sealed.sealedText(field))
        }
        let again = try RereadingFixture.reading(sealed, with: catalogue, connector: connector)
        #expect(again == reading)
    }

    @Test("A new version alone is no difference")
    func sameFields() throws {
        let catalogue = try RereadingFixture.catalogue(Self.first.replacing("version: 1", with: "version: 9"))
        let result = try RereadingFixture.reread(
            try Self.sealed(), with: catalogue, connector: catalogue.connector(named: "doorbell"))
        #expect(result == .same)
    }

    @Test("What was nobody's is recognised by a connector that came later, or read by the one that its source has now")
    func recognisedLater() throws {
        let before = ConnectorCatalogue.builtIn
        let sealed = try #require(
            try RereadingFixture.seal(Array(Self.payload.utf8), with: before, connector: nil).first)
        #expect(try sealed.sealedText(.sourceKind) == "generic")
        let catalogue = try RereadingFixture.catalogue(Self.mended)
        for connector in [nil, try catalogue.connector(named: "doorbell")] {
            let reading = try #require(try RereadingFixture.reading(sealed, with: catalogue, connector: connector))
            #expect(try reading.sealedText(.sourceKind) == "doorbell")
            #expect(try reading.sealedText(.actorName) == "mona")
        }
        #expect(try RereadingFixture.reread(sealed, with: before, connector: nil) == .same)
        // Another connector that the source names now does not read what was recognised.
        let bell = try Self.sealed()
        let first = try RereadingFixture.catalogue(Self.first)
        #expect(
            try RereadingFixture.reread(bell, with: first, connector: first.connector(named: "okta-system-log"))
                == .same)
    }

    @Test("A payload that a connector now takes apart, or cannot read, stays as it was sealed")
    func unreadable() throws {
        let sealed = try Self.sealed(#"{"ring":1,"kind":"x","all":[{"kind":"a"},{"kind":"b"}]}"#)
        let splitting = try RereadingFixture.catalogue(Self.mended + "\nbatch: all\n")
        #expect(
            try RereadingFixture.reread(sealed, with: splitting, connector: splitting.connector(named: "doorbell"))
                == .unreadable)
    }

    @Test("Events of which something was destroyed, and Custody's own, are not touched")
    func untouched() throws {
        let sealed = try Self.sealed()
        let catalogue = try RereadingFixture.catalogue(Self.mended)
        let connector = try catalogue.connector(named: "doorbell")
        for groups in [[.raw], [.actor, .raw]] as [Set<FieldGroup>] {
            let redacted = try sealed.withUnsafeBytes { SealedForm.destroying(groups, of: try SealedView($0)) }
            #expect(try RereadingFixture.reread(redacted, with: catalogue, connector: connector) == .untouched)
        }
    }

    @Test("What a table filled stays where the new reading has nothing, and the mark tells what is still the table's")
    func enrichment() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("custody-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try Data("resource.name,app.env,actor.name,ext.owner\nNo 7,prod,nobody,team-doors\n".utf8)
            .write(to: directory.appendingPathComponent("houses.csv"))
        let tables = try Enrichment(directories: [directory.path])
        let sealed = try Self.sealed(enrichment: tables)
        #expect(try sealed.sealedText(.actorName) == "nobody")
        let same = try RereadingFixture.catalogue(Self.first)
        #expect(
            try RereadingFixture.reread(sealed, with: same, connector: same.connector(named: "doorbell")) == .same)
        let catalogue = try RereadingFixture.catalogue(Self.mended)
        let reading = try #require(
            try RereadingFixture.reading(sealed, with: catalogue, connector: catalogue.connector(named: "doorbell")))
        #expect(try reading.sealedText(.actorName) == "mona")
        #expect(try reading.sealedText(.appEnv) == "prod")
        let extensions = try reading.sealedExtensions
        #expect(extensions.contains("owner=team-doors"))
        let mark = try #require(extensions.first { $0.hasPrefix("enriched=houses@") })
        #expect(mark.hasSuffix(" app.env ext.owner"))
    }

    @Test("What the token of a sender said counts more than what the payload says now")
    func workload() throws {
        let workload = DeliveringWorkload(
            binding: "ci", issuer: "https://issuer.example", subject: "repo:acme/api", token: "t-1",
            job: [(.ciSystem, "github-actions"), (.vcsRepo, "acme/api"), (.ciRun, "77")])
        let sealed = try #require(
            try RereadingFixture.seal(
                Array(#"{"repo":"acme/other","ci":{"run":"1"},"run":"1","action":"build.run"}"#.utf8),
                with: .builtIn, connector: ConnectorCatalogue.builtIn.generic, workload: workload
            ).first)
        let generic = ConnectorCatalogue.builtIn.generic
        #expect(try RereadingFixture.reread(sealed, with: .builtIn, connector: generic) == .same)
        #expect(try sealed.sealedExtensions.contains("workload.subject=repo:acme/api"))
    }
}
