import EventModel
import Foundation
import HTTPTypes
import HummingbirdTesting
import Intake
import Testing

@testable import CustodyServer

@Suite("Deliveries of a GitHub webhook, and what two ways tell")
struct GitHubDeliveryTests {
    private static let repository = "acorn/till"

    private static func delivery(
        _ id: Int64, at: Int64, event: String = "push", status: Int = 0, payload: String? = nil
    ) -> StandInGitHub.HookDelivery {
        .init(
            id: id, guid: "guid-\(id)", event: event, at: at, status: status,
            payload: payload ?? StandInGitHub.webhook(push: id, repository))
    }

    private func send(
        _ event: String, _ guid: String, _ body: String, _ client: any TestClientProtocol
    ) async throws -> Answer {
        var headers: HTTPFields = [.contentType: "application/json"]
        headers[HTTPField.Name("X-GitHub-Event")!] = event
        headers[HTTPField.Name("X-GitHub-Delivery")!] = guid
        return try await client.send(.post, "/v1/hooks/acorn", body, headers: headers)
    }

    @Test("A server that nothing can reach gets every payload under the id with which it would have been sent")
    func unreachable() async throws {
        try await GitHubWorld.run { state in
            state.deliveries = (0..<230).map { Self.delivery(1_000 + $0, at: GitHubWorld.start - 200_000 + $0 * 100) }
            state.deliveries.append(
                Self.delivery(5_000, at: GitHubWorld.start - 50, event: "ping", payload: #"{"zen":"x"}"#))
        } _: { world, client in
            let streams = try world.connect(GitHubWorld.entry(app: true, streams: ["deliveries"]))
            #expect(try await world.drain(streams).isEmpty)
            #expect(try await world.count("action:code.push source.kind:github-webhook", client, expecting: 230) == 230)
            let events = try await client.search("source.delivery:guid-1007", expecting: 1)
            let source = events.first?["source"] as? [String: Any]
            #expect(source?["event_type"] as? String == "push" && source?["verified"] as? String == "token")
            world.clock.advance(120)
            world.github.change { $0.deliveries.append(Self.delivery(6_000, at: GitHubWorld.start + 60)) }
            try await world.drain(streams)
            #expect(try await world.count("action:code.push", client, expecting: 231) == 231)
            #expect(world.github.count("/app/hook/deliveries/") == 231)
        }
    }

    @Test("What the webhook brought is not fetched; what it failed to bring is")
    func gapsOfWebhooks() async throws {
        try await GitHubWorld.run { state in
            state.deliveries = (0..<10).map {
                Self.delivery(1_000 + $0, at: GitHubWorld.start - 500 + $0, status: $0 < 7 ? 200 : 502)
            }
        } _: { world, client in
            let streams = try world.connect(GitHubWorld.entry(app: true, streams: ["deliveries"]))
            for id in Int64(1_000)..<1_007 {
                #expect(
                    try await send("push", "guid-\(id)", StandInGitHub.webhook(push: id, Self.repository), client)
                        .status == 200)
            }
            try await world.drain(streams)
            #expect(world.github.count("/app/hook/deliveries/") == 3)
            #expect(try await world.count("action:code.push", client, expecting: 10) == 10)
        }
    }

    @Test("With redelivery, a failed delivery is asked for once, and fetched when it does not come")
    func redelivery() async throws {
        try await GitHubWorld.run { state in
            state.deliveries = [
                Self.delivery(1, at: GitHubWorld.start - 60), Self.delivery(2, at: GitHubWorld.start - 50),
            ]
        } _: { world, client in
            let streams = try world.connect(GitHubWorld.entry(app: true, streams: ["deliveries"], redeliver: true))
            try await world.drain(streams)
            #expect(world.github.count("POST /app/hook/deliveries/") == 2)
            #expect(try await world.count("*", client) == 0)
            _ = try await send("push", "guid-1", StandInGitHub.webhook(push: 1, Self.repository), client)
            world.clock.advance(400)
            try await world.drain(streams)
            #expect(world.github.count("POST /app/hook/deliveries/") == 2)
            #expect(world.github.requests.contains("GET /app/hook/deliveries/2"))
            #expect(!world.github.requests.contains("GET /app/hook/deliveries/1"))
            #expect(try await world.count("action:code.push", client, expecting: 2) == 2)
        }
    }

    @Test("After more than three days away, what GitHub forgot is a gap")
    func forgotten() async throws {
        try await GitHubWorld.run { state in
            state.deliveries = [Self.delivery(1, at: GitHubWorld.start - 60)]
        } _: { world, client in
            let streams = try world.connect(GitHubWorld.entry(app: true, streams: ["deliveries"]))
            try await world.drain(streams)
            world.clock.advance(5 * GitHubWorld.day)
            world.github.change { $0.deliveries = [Self.delivery(9, at: world.clock.now.seconds - 100)] }
            try await world.drain(streams)
            #expect(try await client.search("source:custody action:source.gap", expecting: 1).count == 1)
            #expect(try await world.count("action:code.push", client, expecting: 2) == 2)
        }
    }

    @Test("A run that a webhook told is not told again by the API, nor the other way round")
    func joining() async throws {
        let told = StandInGitHub.Run(id: 70, created: GitHubWorld.start - 900, updated: GitHubWorld.start - 800)
        let polled = StandInGitHub.Run(id: 71, created: GitHubWorld.start - 700, updated: GitHubWorld.start - 600)
        try await GitHubWorld.run { state in
            state.repositories = [
                Self.repository: .init(
                    runs: [told, polled], feed: [StandInGitHub.push(40, created: GitHubWorld.start - 950)])
            ]
        } _: { world, client in
            let streams = try world.connect(GitHubWorld.entry(streams: ["runs", "events"]))
            let first = try await send("workflow_run", "g-1", StandInGitHub.webhook(told, Self.repository), client)
            let push = try await send("push", "g-2", StandInGitHub.webhook(push: 40, Self.repository), client)
            #expect(first["accepted"] as? Int == 1 && push["accepted"] as? Int == 1)
            #expect(try await world.count("*", client, expecting: 2) == 2)
            try await world.drain(streams)
            #expect(try await world.count("*", client, expecting: 3) == 3)
            // Now the webhook tells, late, what the API told first.
            let late = try await send("workflow_run", "g-3", StandInGitHub.webhook(polled, Self.repository), client)
            #expect(late.status == 200 && late["accepted"] as? Int == 0 && late["duplicates"] as? Int == 1)
            var again = polled
            again.attempt = 2
            let second = try await send("workflow_run", "g-4", StandInGitHub.webhook(again, Self.repository), client)
            #expect(second["accepted"] as? Int == 1)
            #expect(try await world.count("*", client, expecting: 4) == 4)
        }
    }

    @Test("The App's feed tells what was before its deliveries, and nothing of what they tell")
    func coverage() async throws {
        try await GitHubWorld.run { state in
            state.repositories = [
                Self.repository: .init(
                    feed: (0..<20).map {
                        StandInGitHub.push(100 + $0, created: GitHubWorld.start - 20_000 + $0 * 1_000)
                    })
            ]
            state.deliveries = (10..<20).map { Self.delivery(100 + $0, at: GitHubWorld.start - 20_000 + $0 * 1_000) }
        } _: { world, client in
            let streams = try world.connect(GitHubWorld.entry(app: true, streams: ["deliveries", "events"]))
            try await world.drain(streams)
            #expect(try await world.count("action:code.push", client, expecting: 20) == 20)
            #expect(try await world.count("source.kind:github-webhook", client) == 10)
            #expect(streams.streams.progress.last?.snapshot.phase == .complete)
        }
    }
}
