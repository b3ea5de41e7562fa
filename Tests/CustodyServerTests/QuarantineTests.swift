import Foundation
import HTTPTypes
import HummingbirdTesting
import Intake
import Testing

@testable import CustodyServer

@Suite("The quarantine")
struct QuarantineTests {
    private static let broken = "{\"id\":\"q1\",\"actor\":\"mona\""

    private func entries(_ client: any TestClientProtocol) async throws -> [[String: Any]] {
        try await client.send(.get, "/v1/sources/quarantine")["entries"] as? [[String: Any]] ?? []
    }

    @Test("A refused entry is shown byte for byte, refused again as it is, and taken when it is mended")
    func replay() async throws {
        try await TestServer.run { _, client in
            _ = try await client.send(.post, "/v1/events?source=ci", Self.broken)
            let id = try #require(try await entries(client).first?["id"] as? Int)
            let path = "/v1/sources/quarantine/\(id)"
            #expect(try await client.send(.get, path).text == Self.broken)

            let again = try await client.send(.post, path + "/replay")
            #expect(again.status == 200 && (again["rejected"] as? [Any])?.count == 1)
            #expect(try await entries(client).count == 1)

            let mended = try await client.send(.post, path + "/replay", Self.broken + "}")
            #expect(mended.status == 200 && mended["accepted"] as? Int == 1)
            #expect(try await entries(client).isEmpty)
            #expect(try await client.send(.post, path + "/replay").status == 404)
            let found = try await client.search("source.name:ci actor:mona", expecting: 1)
            #expect(found.count == 1)
            #expect(try await client.search("source:custody action:quarantine.replay", expecting: 2).count == 2)
        }
    }

    @Test("An entry of which a part was kept is not taken in as it is")
    func cut() async throws {
        try await TestServer.run { _, client in
            let long = "{\"id\":\"" + String(repeating: "x", count: QuarantineStore.maximumBytes)
            _ = try await client.send(.post, "/v1/events?source=ci", long)
            let id = try #require(try await entries(client).first?["id"] as? Int)
            let answer = try await client.send(.post, "/v1/sources/quarantine/\(id)/replay")
            #expect(answer.status == 409 && answer.code == "entry_cut")
        }
    }

    @Test(
        "All entries of a source are taken in the order in which they came; what is refused again or cut holds up nothing"
    )
    func replayAll() async throws {
        try await TestServer.run { server, client in
            for number in 1...3 { _ = try await client.send(.post, "/v1/events?source=ci", "{\"number\":\(number),") }
            _ = try await client.send(
                .post, "/v1/events?source=ci",
                "{\"id\":\"" + String(repeating: "x", count: QuarantineStore.maximumBytes))
            _ = try await client.send(.post, "/v1/events?source=other", Self.broken)
            // As if the connector had been mended meanwhile: entries that can be read.
            for number in 4...40 {
                try await server.service.state.quarantine.add(
                    [.init(position: 0, reason: "no mapping", bytes: Array("{\"actor\":\"mona-\(number)\"}".utf8))],
                    source: "ci", now: server.service.state.now())
            }
            let first = try await client.send(.post, "/v1/sources/ci/quarantine/replay?limit=10")
            #expect(first.status == 200, "\(first.text)")
            #expect(first["taken"] as? Int == 6 && first["refused"] as? Int == 3 && first["cut"] as? Int == 1)
            let after = try #require(first["after"] as? Int)
            let rest = try await client.send(.post, "/v1/sources/ci/quarantine/replay?after=\(after)")
            #expect(rest["taken"] as? Int == 31 && rest["left"] as? Int == 4 && rest["after"] == nil)
            #expect(try await client.search("source.name:ci", expecting: 37).count == 37)
            let table = try await client.send(
                .get, "/v1/search?since=2000-01-01&q=source.name%3Aci%20%7C%20sort%20index%20%7C%20fields%20actor")
            let rows = try #require(table["rows"] as? [[Any]])
            #expect(rows.compactMap { $0.first as? String } == (4...40).map { "mona-\($0)" })
            #expect(try await entries(client).count == 5)
            #expect(try await client.send(.post, "/v1/sources/none/quarantine/replay").status == 404)
            #expect(try await client.send(.post, "/v1/sources/ci/quarantine/replay?after=x").status == 400)
        }
    }

    @Test("Only an admin looks into it")
    func access() async throws {
        try await TestServer.run { _, client in
            _ = try await client.send(.post, "/v1/events?source=ci", Self.broken)
            let made = try await client.send(
                .post, "/v1/tokens", "{\"name\":\"r\",\"scopes\":[\"read\",\"ingest\"]}")
            let token = try #require(made["token"] as? String)
            #expect(try await client.send(.get, "/v1/sources/quarantine/1", token: token).status == 403)
            #expect(try await client.send(.post, "/v1/sources/quarantine/1/replay", token: token).status == 403)
            #expect(try await client.send(.get, "/v1/sources/quarantine/1", token: nil).status == 401)
        }
    }
}
