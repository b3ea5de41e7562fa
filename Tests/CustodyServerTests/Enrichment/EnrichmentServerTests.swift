import Connectors
import EventModel
import Foundation
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import CustodyServer

@Suite("Enrichment in the server")
final class EnrichmentServerTests {
    private let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
        "custody-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(at: directory) }

    private func write(_ text: String, as name: String = "services.csv") throws {
        try Data(text.utf8).write(to: directory.appendingPathComponent(name))
    }

    @Test("What a table knows is found by its fields; payload and digest are those that were sent")
    func search() async throws {
        try write("vcs.repo,app.env,app.version,ext.owner\nacme/api,prod,4.2,team-payments\n")
        let path = directory.path
        try await TestServer.run({ $0.enrichmentDirectories = [path] }) { _, client in
            let sent = #"{"id":"1","actor":"mona","repo":"acme/api","action":"code.push"}"#
            _ = try await client.send(.post, "/v1/events?source=ci", sent)
            _ = try await client.send(.post, "/v1/events?source=ci", #"{"id":"2","actor":"mona","repo":"acme/web"}"#)
            let found = try await client.search("env:prod version:4.2 ext.owner:team-payments", expecting: 1)
            #expect(found.count == 1)
            let index = try #require(found.first?["index"] as? Int)
            #expect(try await client.send(.get, "/v1/events/\(index)/raw").text == sent)
            let ext = try #require(found.first?["ext"] as? [String: Any])
            #expect((ext["enriched"] as? String)?.hasPrefix("services@") == true)
            let list = try await client.send(.get, "/v1/enrichment")
            let table = try #require((list["tables"] as? [[String: Any]])?.first)
            #expect(table["name"] as? String == "services" && table["rows"] as? Int == 1)
            #expect(table["sets"] as? [String] == ["app.env", "app.version", "ext.owner"])
        }
    }

    @Test("A secret that is taken out of a payload takes no enrichment with it")
    func redacted() async throws {
        try write("vcs.repo,app.env\nacme/api,prod\n")
        let path = directory.path
        try await TestServer.run({ $0.enrichmentDirectories = [path] }) { _, client in
            let token = "ghp_" + String(repeating: "a1B2", count: 9)
            _ = try await client.send(
                .post, "/v1/events?source=ci", #"{"id":"1","repo":"acme/api","note":"\#(token)"}"#)
            #expect(try await client.search("env:prod", expecting: 1).count == 1)
        }
    }

    @Test(
        "A changed table is in force after the second look; a faulty one changes nothing and is told with file and line"
    )
    func reload() throws {
        try write("app.name,app.env\npay,prod\n")
        let live = try LiveEnrichment(directories: [directory.path])
        #expect(live.reloadIfChanged() == .unchanged)
        try write("app.name,app.env\npay,prod\nshop,staging\n")
        #expect(live.reloadIfChanged() == .unchanged)
        #expect(live.reloadIfChanged() == .reloaded(tables: 1, rows: 2))
        try write("app.name,app.env\npay,prod\nshop,staging\npay,dev\n")
        _ = live.reloadIfChanged()
        guard case .refused(let reason) = live.reloadIfChanged() else {
            Issue.record("a faulty table was taken")
            return
        }
        #expect(reason.hasSuffix("services.csv:4: the key pay stands here twice") && live.refusal == reason)
        #expect(live.current.tables.first?.rowCount == 2)
        #expect(live.reloadIfChanged() == .unchanged)
        try write("app.name,app.env\npay,prod\n")
        _ = live.reloadIfChanged()
        #expect(live.reloadIfChanged() == .reloaded(tables: 1, rows: 1))
        #expect(live.refusal == nil)
    }

    @Test("A server does not start with tables that it cannot read")
    func start() {
        #expect(throws: (any Error).self) { try LiveEnrichment(directories: [directory.path + "/none"]) }
    }
}
