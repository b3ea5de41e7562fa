import Foundation
import HTTPTypes
import HummingbirdTesting
import Ledger
import SystemPackage
import Testing

@testable import CustodyServer

@Suite("Evidence, verification and rebuilding")
struct EvidenceAndRebuildTests {
    private func place() -> URL {
        FileManager.default.temporaryDirectory.appendingPathComponent("custody-\(UUID().uuidString)")
    }

    private func fill(_ client: any TestClientProtocol, events: Int = 300) async throws {
        let lines = (0..<events).map {
            #"{"id":"\#($0)","actor":"a\#($0 % 7)","action":"repo.create","repo":"acme/r\#($0 % 3)","ip":"10.0.0.\#($0 % 9)"}"#
        }
        let answer = try await client.send(.post, "/v1/events", lines.joined(separator: "\n"))
        #expect(answer["accepted"] as? Int == events)
    }

    @Test("A pack proves its events offline; with any sampled byte altered it proves nothing")
    func evidence() async throws {
        try await TestServer.run { server, client in
            try await fill(client, events: 20)
            _ = try await client.search("repo:acme/r1", expecting: 7)
            let answer = try await client.send(.post, "/v1/export", #"{"q":"repo:acme/r1"}"#)
            #expect(answer.status == 200)
            let pack = Array(answer.text.utf8)
            let key = server.service.state.ledgerKey.verifierKey
            let report = try EvidenceVerifier(key: key).verify(pack)
            #expect(report.events == 7 && report.isKeyTrusted)
            for position in stride(from: 1, to: pack.count, by: 97) where pack[position] != 10 {
                var altered = pack
                altered[position] = altered[position] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
                #expect(throws: EvidenceError.self, "byte \(position)") {
                    try EvidenceVerifier(key: key).verify(altered)
                }
            }
        }
    }

    @Test("Every leaf of a data directory verifies; a flipped bit in journal, ledger or segments is found")
    func verification() async throws {
        let place = place()
        defer { try? FileManager.default.removeItem(at: place) }
        try await TestServer.run(in: place) { _, client in try await fill(client) }
        let path = FilePath(place.path)
        let key = try #require(DataDirectoryVerifier.ownKey(of: path))
        let report = try await DataDirectoryVerifier(directory: path, key: key).verify()
        #expect(report.isIntact && report.counts.verified >= 300 && report.counts.missing == 0, "\(report.faults)")
        let walk = try #require(FileManager.default.enumerator(atPath: place.path))
        let files = walk.compactMap { $0 as? String }.filter { name in
            let isStored = name.hasPrefix("journal/") || name.hasPrefix("ledger/entries") || name.hasSuffix(".segment")
            let attributes = try? FileManager.default.attributesOfItem(atPath: place.path + "/" + name)
            return isStored && attributes?[.type] as? FileAttributeType == .typeRegular
                && (attributes?[.size] as? Int) ?? 0 > 200
        }
        #expect(files.count >= 3)
        for file in files {
            let url = place.appendingPathComponent(file)
            let original = try Data(contentsOf: url)
            var altered = original
            altered[original.count / 2] ^= 4
            try altered.write(to: url)
            let found = try? await DataDirectoryVerifier(directory: path, key: key).verify()
            #expect(found?.isIntact != true, "\(file)")
            try original.write(to: url)
        }
    }

    @Test("A rebuild gives the same search results and alerts as before")
    func rebuild() async throws {
        let place = place()
        defer { try? FileManager.default.removeItem(at: place) }
        let query = "/v1/search?since=2000-01-01&q=%2A%20%7C%20stats%20count%2Cdcount%28ip%29%20by%20actor%2Crepo"
        let attack =
            #"{"action":"protected_branch.destroy","actor":"mallory","repo":"acme/api","org":"acme","created_at":1763632800000,"_document_id":"x","@timestamp":1763632800000}"#
        let before = Recorded()
        try await TestServer.run(in: place) { _, client in
            try await fill(client)
            _ = try await client.send(.post, "/v1/events", attack)
            _ = try await client.search("actor:mallory", expecting: 1)
            await before.note(try await client.send(.get, query)["rows"])
        }
        var configuration = ServerConfiguration()
        configuration.dataDirectory = FilePath(place.path)
        let report = try Rebuilding(configuration).run()
        #expect(report.differing.isEmpty && report.events >= 301)
        try await TestServer.run(in: place) { _, client in
            _ = try await client.search("actor:mallory", expecting: 1)
            #expect(await before.text == Recorded.text(of: try await client.send(.get, query)["rows"]))
            let alerts = try await client.send(.get, "/v1/alerts")["alerts"] as? [[String: Any]]
            #expect(alerts?.isEmpty == false && alerts?.allSatisfy { $0["count"] as? Int == 1 } == true)
        }
    }
}

/// Rows as text, to compare across two servers.
private actor Recorded {
    private(set) var text = ""

    func note(_ rows: Any?) { text = Self.text(of: rows) }

    static func text(of rows: Any?) -> String { rows.map { "\($0)" } ?? "" }
}
