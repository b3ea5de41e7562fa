import Foundation
import Testing

@testable import Detection

@Suite("The known incidents that come with Custody, and an operator's own")
struct IncidentPackTests {
    private static let channels = """
        channels:
          fetches: {title: fetches, filter: 'artifact.purl:*', connect: [generic], limit: none, conclusive: true}
        """

    private static func incident(_ indicators: String, id: String = "bad-2026") -> String {
        """
        id: \(id)
        title: A bad thing
        summary: It was bad.
        exposure: {from: 2026-01-01T00:00:00Z, until: 2026-01-02T00:00:00Z}
        sources: [https://example.org/bad]
        indicators: \(indicators)
        remedy: Undo it.
        """
    }

    @Test("Every file of the folder is registered and embedded as it is")
    func registration() throws {
        let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Sources/Detection/Incidents")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(names == IncidentPack.files.map(\.name).sorted())
        for file in IncidentPack.files {
            #expect(try Data(contentsOf: folder.appendingPathComponent(file.name)) == Data(file.text))
        }
    }

    @Test("Twelve incidents are looked for, each by a proof, in channels that exist, with sources and a remedy")
    func completeness() {
        let pack = IncidentPack.builtIn
        #expect(pack.errors.isEmpty, "\(pack.errors)")
        #expect(pack.incidents.count == 12 && pack.digest.utf8.count == 64)
        #expect(pack.incidents.map(\.exposure.from) == pack.incidents.map(\.exposure.from).sorted(by: >))
        for incident in pack.incidents {
            #expect(incident.indicators.contains { $0.weight == .proof && !$0.channels.isEmpty }, "\(incident.id)")
            #expect(!incident.sources.isEmpty && !incident.remedy.isEmpty, "\(incident.id)")
            #expect(incident.indicators.flatMap(\.channels).allSatisfy { pack.channels[$0] != nil })
        }
    }

    @Test("A file of an operator adds an incident, or takes the place of ours; the digest tells")
    func own() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("custody-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let place = folder.appendingPathComponent("own.yaml")
        try Self.incident("[{packages: {npm: {left-padd: [1.0.0]}}}]").write(
            to: place, atomically: true, encoding: .utf8)
        let pack = try IncidentPack.load(directories: [folder.path])
        #expect(pack.incidents.count == 13 && pack.incidents.first?.id == "bad-2026" && pack.errors.isEmpty)
        #expect(pack.digest != IncidentPack.builtIn.digest)
        try Self.incident("[{query: 'actor:mallory'}]", id: "xz-2024").write(
            to: place, atomically: true, encoding: .utf8)
        let corrected = try IncidentPack.load(directories: [folder.path])
        #expect(corrected.incidents.count == 12)
        #expect(corrected.incidents.first { $0.id == "xz-2024" }?.indicators.map(\.filter) == ["(actor:mallory)"])
        #expect(throws: DetectionError.self) { try IncidentPack.load(directories: [folder.path + "/nowhere"]) }
    }

    @Test(
        "What is wrong with a file is told with its line, and leaves the others alone",
        arguments: [
            ("[{packages: {npm: {}}}]", "names with lists of versions"),
            ("[{packages: {cargo: {x: [1.0]}}}]", "of npm or pypi"),
            ("[{query: 'actor:'}]", "column"), ("[{query: 'actor:x | stats count'}]", "no stages"),
            ("[{digests: [], channels: [fetches]}]", "list of 1"),
            ("[{action: a/b, channels: [none]}]", "no channel none"),
            ("[{title: nothing}]", "an indicator is one of"), ("[{query: '*', weight: sure}]", "proof or hint"),
            ("[{query: '*', period: later}]", "exposure or since"), ("[]", "list of 1 to"),
        ])
    func faults(indicators: String, reason: String) {
        let pack = IncidentPack([
            ("channels.yml", Self.channels), ("bad.yml", Self.incident(indicators)),
            ("good.yml", Self.incident("[{query: '*'}]", id: "good-2026")),
        ])
        #expect(pack.incidents.map(\.id) == ["good-2026"])
        #expect(pack.errors.count == 1 && pack.errors.first?.file == "bad.yml" && pack.errors.first?.line != nil)
        #expect(pack.errors.first?.reason.contains(reason) == true, "\(pack.errors)")
    }

    @Test("An incident needs an id, a window that is one, and https sources")
    func members() {
        let good = Self.incident("[{query: '*'}]")
        for (change, with) in [
            ("id: bad-2026", "id: Bad Thing"), ("until: 2026-01-02", "until: 2025-01-02"),
            ("https://example.org", "http://example.org"), ("remedy: Undo it.", "remedy:"),
            ("title: A bad thing\n", ""),
            ("from: 2026-01-01T00:00:00Z", "from: tomorrow"),
        ] {
            let pack = IncidentPack([("bad.yml", good.replacing(change, with: with))])
            #expect(pack.incidents.isEmpty && pack.errors.count == 1, "\(with)")
        }
        #expect(IncidentPack([("bad.yml", "a: [")]).errors.first?.code == .malformedDocument)
    }

    @Test("Many packages are spread over several queries, each within what a query takes")
    func long() {
        func pack(_ count: Int) -> IncidentPack {
            let many = (0..<count).map { "package-with-a-long-name-of-\($0): [1.0.0, 1.0.1]" }.joined(separator: ", ")
            return IncidentPack([("many.yml", Self.incident("[{packages: {npm: {\(many)}}}]"))])
        }
        let most = pack(IncidentReader.members)
        #expect(most.errors.isEmpty, "\(most.errors)")
        #expect(
            most.incidents.first?.indicators.count == IncidentReader.members / IncidentReader.packagesOfQuery)
        #expect(pack(IncidentReader.members + 1).errors.first?.reason.contains("1 to 500") == true)
    }

    @Test("An IPv4 address is no text to look for in every event: there it is where somebody came from")
    func addresses() throws {
        let pack = IncidentPack([
            ("channels.yml", Self.channels),
            ("bad.yml", Self.incident("[{hosts: [bad.example, 192.0.2.7], channels: [fetches]}]")),
        ])
        #expect(pack.errors.isEmpty, "\(pack.errors)")
        let filters = try #require(pack.incidents.first).indicators.map(\.filter)
        #expect(
            filters == [
                "(bad.example OR 192.0.2.7) (artifact.purl:*)",
                "(bad.example OR client.ip:192.0.2.7) -(artifact.purl:*)",
            ])
    }
}
