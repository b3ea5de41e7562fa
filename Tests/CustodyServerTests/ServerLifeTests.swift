import DurableFiles
import Foundation
import HTTPTypes
import HummingbirdTesting
import Intake
import SystemPackage
import Testing

@testable import CustodyServer

@Suite("A server's life")
struct ServerLifeTests {
    private func event(_ id: Int) -> String { "{\"id\":\"\(id)\",\"actor\":\"a\(id)\",\"action\":\"x.y\"}" }

    @Test("What was acknowledged is there after a restart, and repetitions are still known")
    func restart() async throws {
        let place = FileManager.default.temporaryDirectory.appendingPathComponent("custody-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: place) }
        for round in 0..<3 {
            try await TestServer.run(in: place) { _, client in
                for old in 0..<round { #expect(try await client.search("actor:a\(old)", expecting: 1).count == 1) }
                let again = try await client.send(.post, "/v1/events", event(0))
                #expect(again["accepted"] as? Int == (round == 0 ? 1 : 0))
                _ = try await client.send(.post, "/v1/events", event(round))
            }
        }
    }

    @Test("A second server on the same directory is refused and says who holds it")
    func lock() async throws {
        try await TestServer.run { server, _ in
            do {
                try await TestServer.run(in: server.directory) { _, _ in }
                Issue.record("a second server started")
            } catch let error as DurableFilesError {
                #expect(error.code == .directoryLocked)
            }
        }
    }

    @Test("A disk that is full but for the reserve answers 503 and takes audit events all the same")
    func reserve() async throws {
        try await TestServer.run({ $0.intake.reservedDiskBytes = .max }) { _, client in
            let answer = try await client.send(.post, "/v1/events", event(1))
            #expect(answer.status == 503 && answer.code == "disk_full")
            #expect(answer.headers[.retryAfter] != nil)
            #expect(try await client.send(.get, "/v1/search?q=*").status == 200)
        }
    }

    @Test("More than the budget of unfinished bytes answers 429 with Retry-After, until there is room again")
    func overload() async throws {
        try await TestServer.run({ $0.intake.unfinishedBytes = 8_192 }) { server, client in
            var held: Admitted? = try await server.service.state.intake.admission.admit(8_000)
            let refused = try await client.send(.post, "/v1/events", event(1))
            #expect(refused.status == 429 && refused.code == "overloaded" && refused.headers[.retryAfter] == "1")
            withExtendedLifetime(held) {}
            held = nil
            #expect(try await client.send(.post, "/v1/events", event(1)).status == 200)
        }
    }

    @Test("Wrong credentials are told to wait after too many, and a good one passes all the same")
    func wrongCredentials() async throws {
        let clock = StandingClock()
        clock.stand()
        try await TestServer.run(now: { clock.now }) { server, client in
            let statuses = try await (0..<25).asyncMap { _ in
                try await client.send(.get, "/v1/search?q=*", token: "wrong").status
            }
            #expect(statuses.prefix(20).allSatisfy { $0 == 401 })
            #expect(statuses.last == 429)
            #expect(try await client.send(.get, "/v1/search?q=*").status == 200)
            let splunk = try await client.send(.post, "/services/collector", event(1), token: "wrong")
            #expect(splunk.status == 429)
        }
    }

    @Test("A refusal is on record with the name of who was refused, at Splunk's door too")
    func denialsOnRecord() async throws {
        try await TestServer.run { server, client in
            let made = try await client.send(.post, "/v1/tokens", #"{"name":"the reader","scopes":["read"]}"#)
            let reader = try #require(made["token"] as? String)
            #expect(try await client.send(.post, "/v1/events", event(1), token: reader).status == 403)
            #expect(try await client.send(.post, "/services/collector", event(1), token: nil).status == 401)
            await server.service.state.audit.flush()
            let named = #"source:custody action:access.deny actor:"the reader""#
            #expect(try await client.search(named, expecting: 1).count == 1)
            let splunk = "source:custody action:access.deny raw.path:*collector*"
            #expect(try await client.search(splunk, expecting: 1).count == 1)
        }
    }

    @Test("Reads, denials and changes are events of the source custody, which only a query that names it finds")
    func ownAudit() async throws {
        try await TestServer.run { server, client in
            _ = try await client.send(.post, "/v1/events", event(1))
            _ = try await client.send(.get, "/v1/search?q=actor:a1")
            _ = try await client.send(.get, "/v1/search?q=secretquery", token: "wrong")
            _ = try await client.send(.post, "/v1/tokens", #"{"name":"r","scopes":["read"]}"#)
            await server.service.state.audit.flush()
            #expect(try await client.search("source:custody action:search.run", expecting: 1).isEmpty == false)
            #expect(try await client.search("source:custody action:access.deny", expecting: 1).isEmpty == false)
            #expect(try await client.search("source:custody action:token.create", expecting: 1).isEmpty == false)
            let plain = try await client.send(.get, "/v1/search?since=2000-01-01&q=*")
            #expect((plain["events"] as? [Any])?.count == 1)
        }
    }

    @Test("A rule's match becomes an alert with its evidence, and its opening is on record")
    func alert() async throws {
        try await TestServer.run { server, client in
            let body =
                #"{"action":"protected_branch.destroy","actor":"mallory","repo":"acme/api","org":"acme","created_at":1763632800000,"_document_id":"x","@timestamp":1763632800000}"#
            #expect(try await client.send(.post, "/v1/events", body)["accepted"] as? Int == 1)
            var alerts: [[String: Any]] = []
            let deadline = ContinuousClock.now + .seconds(5)
            while alerts.isEmpty, ContinuousClock.now < deadline {
                alerts = try await client.send(.get, "/v1/alerts")["alerts"] as? [[String: Any]] ?? []
            }
            let id = try #require(alerts.first?["id"] as? String)
            let shown = try await client.send(.get, "/v1/alerts/\(id)")
            #expect(shown["evidence"] as? [Int] == [0])
            let closed = try await client.send(
                .post, "/v1/alerts/\(id)/close", #"{"verdict":"benign","comment":"drill"}"#)
            #expect(closed["status"] as? String == "closed")
            #expect(try await client.search("source:custody action:alert.close", expecting: 1).count == 1)
        }
    }

    @Test("Queries that cannot be read are answered with the column and the nearest name")
    func queryErrors() async throws {
        try await TestServer.run { _, client in
            let answer = try await client.send(.get, "/v1/search?q=actr:x")
            #expect(answer.status == 400 && answer["column"] as? Int == 1)
            #expect(answer["suggestion"] as? String == "actor")
        }
    }
}

extension Sequence {
    /// One after another, since what the server answers depends on what came before.
    fileprivate func asyncMap<Result>(_ body: (Element) async throws -> Result) async rethrows -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await body(element)) }
        return results
    }
}
