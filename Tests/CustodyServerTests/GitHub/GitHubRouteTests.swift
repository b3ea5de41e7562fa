import EventModel
import Foundation
import HTTPTypes
import HummingbirdTesting
import Identity
import Testing

@testable import CustodyServer

@Suite("Connecting a source to GitHub")
struct GitHubRouteTests {
    private func begin(_ client: any TestClientProtocol, _ more: String = "") async throws -> Answer {
        try await client.send(
            .post, "/v1/connect/github",
            "{\"source\":\"acorn\",\"organization\":\"acorn\",\"url\":\"http://127.0.0.1:8400/\"\(more)}")
    }

    @Test("A manifest asks to read, its code becomes the App's key, and the state is good once")
    func manifest() async throws {
        try await GitHubWorld.run {
            $0.codes = ["c0de"]
        } _: { world, client in
            let answer = try await begin(client)
            #expect(answer.status == 201, "\(answer.text)")
            let state = try #require(answer["state"] as? String)
            let manifest = try #require(answer["manifest"] as? [String: Any])
            #expect(
                answer["action"] as? String == "https://github.com/organizations/acorn/settings/apps/new?state=\(state)"
            )
            #expect(manifest["redirect_url"] as? String == "http://127.0.0.1:8400/connect/github/callback")
            #expect(
                (manifest["hook_attributes"] as? [String: Any])?["url"] as? String
                    == "https://custody.invalid/v1/hooks/acorn")
            #expect((manifest["default_permissions"] as? [String: String])?.values.allSatisfy { $0 == "read" } == true)
            let page = try await client.send(.get, "/connect/github/start?state=\(state)", token: nil)
            #expect(page.status == 200 && page.text.contains("<form action=\"https://github.com/organizations/acorn/"))
            let wrong = try await client.send(.get, "/connect/github/callback?code=c0de&state=guess", token: nil)
            #expect(wrong.status == 403)
            let done = try await client.send(.get, "/connect/github/callback?code=c0de&state=\(state)", token: nil)
            #expect(
                done.status == 200 && done.text.contains("https://github.com/apps/custody-for-acorn/installations/new"),
                "\(done.text)")
            let again = try await client.send(.get, "/connect/github/callback?code=c0de&state=\(state)", token: nil)
            #expect(again.status == 403)
            let source = try await client.send(.get, "/v1/sources/acorn")
            let github = try #require(source["github"] as? [String: Any], "\(source.text)")
            #expect(github["app_id"] as? Int == 4_711 && source["has_secret"] as? Bool == true)
            #expect(!source.text.contains("PRIVATE KEY") && !done.text.contains("PRIVATE KEY"))
            #expect(world.state.sources.source(named: "acorn")?.secret == "standin-webhook-secret")
            let record = try await client.search("source:custody action:source.connect", expecting: 1)
            #expect((record.first?["actor"] as? [String: Any])?["name"] != nil && record.count == 1)
        }
    }

    @Test("A registration is good for an hour, and a code that GitHub does not know connects nothing")
    func expiry() async throws {
        try await GitHubWorld.run { world, client in
            let state = try #require(try await begin(client)["state"] as? String)
            let refused = try await client.send(
                .get, "/connect/github/callback?code=unknown&state=\(state)", token: nil)
            #expect(refused.status == 502 && refused.code == "github_refused")
            #expect(world.state.github.list().isEmpty)
            let late = try #require(try await begin(client)["state"] as? String)
            world.clock.advance(3_601)
            #expect(try await client.send(.get, "/connect/github/start?state=\(late)", token: nil).status == 403)
        }
    }

    @Test("A connection is set, shown with its progress and never its secret, and ended; only administrators may")
    func connection() async throws {
        try await GitHubWorld.run { state in
            state.repositories = [
                "acorn/till": .init(runs: [
                    .init(id: 1, created: GitHubWorld.start - 900, updated: GitHubWorld.start - 800)
                ])
            ]
        } _: { world, client in
            let body = #"{"organization":"acorn","token":"ghp_standin0123456789","streams":["runs"]}"#
            #expect(try await client.send(.put, "/v1/sources/acorn/github", body).status == 404)
            _ = try await client.send(.post, "/v1/sources", #"{"name":"acorn","connector":"github-webhook"}"#)
            #expect(try await client.send(.put, "/v1/sources/acorn/github", body, token: nil).status == 401)
            let half = try await client.send(.put, "/v1/sources/acorn/github", #"{"organization":"acorn","app_id":3}"#)
            #expect(half.status == 400 && half.code == "invalid_github" && half.text.contains("private_key"))
            let file = try await client.send(
                .put, "/v1/sources/acorn/github", #"{"organization":"acorn","token_file":"/etc/passwd"}"#)
            #expect(file.status == 400)
            let set = try await client.send(.put, "/v1/sources/acorn/github", body)
            #expect(set.status == 200 && !set.text.contains("ghp_"), "\(set.text)")
            try await world.drain(try world.reopen())
            let shown = try await client.send(.get, "/v1/sources/acorn")
            let streams = (shown["github"] as? [String: Any])?["streams"] as? [[String: Any]]
            #expect(
                streams?.first?["backfilled_percent"] as? Int == 100 && streams?.first?["events"] as? Int == 1,
                "\(shown.text)")
            #expect(shown["pull"] as? String == "github: following")
            let list = try await client.send(.get, "/v1/sources")
            #expect(list.text.contains("github: following"))
            #expect(try await client.send(.delete, "/v1/sources/acorn/github").status == 204)
            #expect(try await client.send(.delete, "/v1/sources/acorn/github").status == 404)
        }
    }

    @Test("A connection outlives a restart, sealed in the state database")
    func restart() async throws {
        let place = FileManager.default.temporaryDirectory.appendingPathComponent("custody-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: place) }
        try await GitHubWorld.run(in: place) { world, _ in _ = try world.connect(GitHubWorld.entry(app: true)) }
        let database = try Data(contentsOf: place.appendingPathComponent("state.db"))
        #expect(database.range(of: Data("RSA PRIVATE".utf8)) == nil)
        try await GitHubWorld.run(in: place) { world, _ in
            let connection = try #require(world.state.github.connection(of: "acorn"))
            #expect(connection.settings.isApp && connection.settings.streams.count == 6)
        }
    }
}
