import AccessControl
import Detection
import EventModel
import Foundation
import HTTPTypes
import HummingbirdTesting
import Synchronization
import Testing

@testable import CustodyServer

@Suite("Known incidents in the events")
struct ExposureCheckTests {
    private static func push(_ events: [String], as source: String = "records", _ client: any TestClientProtocol)
        async throws
    {
        for event in events {
            let answer = try await client.send(
                .post, "/v1/events?source=\(source)", event, headers: [.contentType: "text/plain"])
            #expect(answer.status == 200 && answer["accepted"] as? Int == 1, "\(answer.text)")
        }
    }

    private static func entry(
        _ id: String, _ state: ServerState, for principal: Principal = .system
    ) async throws -> ExposureReport.Entry {
        let report = try await state.exposure.check(state.store, for: principal, now: state.now).run(only: id)
        return try #require(report.entries.first)
    }

    /// Waits until as many events can be found.
    private static func settle(_ count: Int, _ client: any TestClientProtocol) async throws {
        #expect(try await client.search("*", expecting: count).count == count)
    }

    @Test(
        "Each incident is found where it was, with the event as evidence, and not in what only looks so",
        arguments: IncidentStream.all)
    func streams(stream: IncidentStream) async throws {
        try await TestServer.run { server, client in
            try await Self.push(stream.missed, client)
            try await Self.settle(stream.missed.count, client)
            let before = try await Self.entry(stream.id, server.service.state)
            #expect(
                before.answer != .yes && before.evidence.isEmpty,
                "\(before.reason) \(before.findings.filter { $0.matched > 0 })")
            try await Self.push(stream.hit, client)
            try await Self.settle(stream.missed.count + stream.hit.count, client)
            let after = try await Self.entry(stream.id, server.service.state)
            #expect(after.answer == .yes, "\(after.reason)")
            #expect(after.evidence.first?.weight == .proof && after.evidence.count == 1, "\(after.evidence)")
            // No other incident is taken for it.
            let report = try await server.service.state.exposure.check(
                server.service.state.store, for: .system, now: server.service.state.now
            ).run()
            #expect(report.entries.filter { $0.answer == .yes }.map(\.incident.id) == [stream.id])
        }
    }

    @Test("Every incident of the pack has its streams")
    func complete() {
        #expect(Set(IncidentStream.all.map(\.id)) == Set(IncidentPack.builtIn.incidents.map(\.id)))
    }

    private static func fetches(_ times: [String]) -> [String] {
        times.map {
            #"{"id":"\#($0)","time":"\#($0)","action":"package.download","category":"dependency","purl":"pkg:npm/express@4.17.1","status":200}"#
        }
    }

    @Test("No is said only where what would have shown it was there the whole time")
    func coverage() async throws {
        let around = ["2021-10-21T20:00:00Z", "2021-10-22T09:00:00Z", "2021-10-22T14:00:00Z", "2021-10-23T08:00:00Z"]
        try await TestServer.run { server, client in
            let state = server.service.state
            let none = try await Self.entry("ua-parser-js-2021", state)
            #expect(
                none.answer == .cannotTell && none.reason.contains("connect one of: jfrog-request-log"),
                "\(none.reason)")
            #expect(none.coverage.contains { $0.channel.name == "npm-fetches" && $0.isEmpty })
            try await Self.push(Self.fetches(around), as: "proxy", client)
            try await Self.settle(around.count, client)
            let whole = try await Self.entry("ua-parser-js-2021", state)
            #expect(whole.answer == .no && whole.reason.contains("(proxy)"), "\(whole.reason)")
            let channel = try #require(whole.coverage.first { $0.channel.name == "npm-fetches" })
            #expect(channel.isWhole && channel.events == 1 && channel.sources.map(\.name) == ["proxy"])
            #expect(channel.sources.first?.first == Timestamp(parsing: around[0]))
            // The same proxy was not yet there in 2018, and no Python package ever came through it.
            #expect(try await Self.entry("event-stream-2018", state).answer == .cannotTell)
            #expect(try await Self.entry("ultralytics-2024", state).answer == .cannotTell)
        }
    }

    @Test(
        "A silence in the window is told, and a source's own record that events are missing keeps a no from being said")
    func gaps() async throws {
        try await TestServer.run { server, client in
            let state = server.service.state
            let days = (1...60).filter { $0 < 20 || $0 > 31 }.map { day in
                Timestamp(parsing: "2018-09-08T12:00:00Z")!.advanced(byNanoseconds: Int64(day) * 86_400_000_000_000)
                    .text
            }
            try await Self.push(
                Self.fetches(days + ["2018-11-12T00:00:00Z", "2018-11-19T00:00:00Z", "2018-11-27T10:00:00Z"]),
                as: "proxy", client)
            try await Self.settle(days.count + 3, client)
            let entry = try await Self.entry("event-stream-2018", state)
            #expect(
                entry.answer == .cannotTell && entry.reason.contains("have nothing from 2018-09-28"), "\(entry.reason)")
            try await Self.push(
                Self.fetches(["2021-10-22T09:00:00Z", "2021-10-22T14:00:00Z", "2021-10-23T08:00:00Z"]), as: "proxy",
                client)
            try await Self.settle(days.count + 6, client)
            #expect(try await Self.entry("ua-parser-js-2021", state).answer == .no)
            try await state.audit.recordDurably(
                AuditEntry(
                    "source.gap", activity: "other", outcome: "failure", reason: "the file was truncated",
                    actor: .system,
                    resource: ("source", "proxy")))
            _ = try await client.search("source:custody action:source.gap", expecting: 1)
            let gap = try await Self.entry("ua-parser-js-2021", state)
            #expect(gap.answer == .cannotTell && gap.reason.contains("put on record"), "\(gap.reason)")
        }
    }

    @Test("A hint is for somebody to look at; refused attempts are told; an incomplete list is no answer")
    func hints() async throws {
        try await TestServer.run { server, client in
            let state = server.service.state
            try await Self.push(
                [
                    #"{"id":"1","time":"2025-03-20T10:00:00Z","action":"issue.comment","text":"we never ran 0e58ed8671d6b60d0890c21b07f8835ace038e67"}"#,
                    #"{"id":"2","time":"2022-12-27T10:00:00Z","action":"package.download","purl":"pkg:pypi/torchtriton@2.0.0","status":200}"#,
                    #"{"id":"3","time":"2025-09-08T14:00:00Z","action":"package.download","category":"dependency","purl":"pkg:npm/chalk@5.6.1","status":403}"#,
                ], client)
            try await Self.settle(3, client)
            for id in ["tj-actions-2025", "torchtriton-2022"] {
                let entry = try await Self.entry(id, state)
                #expect(
                    entry.answer == .cannotTell && entry.reason.hasPrefix("somebody has to look at 1 event"),
                    "\(entry.reason)")
                #expect(entry.evidence.map(\.weight) == [.hint])
            }
            let refused = try await Self.entry("chalk-debug-2025", state)
            #expect(
                refused.answer == .cannotTell && refused.reason.hasSuffix("1 attempts were refused"),
                "\(refused.reason)")
            #expect(try await Self.entry("shai-hulud-2025", state).reason.contains("not everything is known"))
        }
    }

    @Test("Nobody learns of events that were not granted, and the coverage is that of their own sight")
    func rights() async throws {
        try await TestServer.run { server, client in
            let state = server.service.state
            try await Self.push(Self.fetches(["2021-10-22T09:00:00Z", "2021-10-23T08:00:00Z"]), as: "proxy", client)
            try await Self.push(
                [
                    #"{"id":"b","time":"2021-10-22T13:00:00Z","action":"package.download","purl":"pkg:npm/ua-parser-js@0.7.29"}"#
                ],
                as: "other", client)
            try await Self.settle(3, client)
            func principal(_ source: String) -> Principal {
                Principal(
                    id: "p", kind: .person, name: "p",
                    grants: [Grant(.investigator, over: AccessScope(sources: [source]))])
            }
            #expect(try await Self.entry("ua-parser-js-2021", state).answer == .yes)
            let own = try await Self.entry("ua-parser-js-2021", state, for: principal("proxy"))
            #expect(
                own.answer == .no && own.evidence.isEmpty && own.coverage.flatMap(\.sources).map(\.name) == ["proxy"])
            let foreign = try await Self.entry("ua-parser-js-2021", state, for: principal("third"))
            #expect(foreign.answer == .cannotTell && foreign.coverage.allSatisfy { $0.sources.isEmpty })
            let narrow = Principal(
                id: "n", kind: .person, name: "n", grants: [Grant(.investigator, groups: [.envelope])])
            let hidden = try await Self.entry("ua-parser-js-2021", state, for: narrow)
            #expect(hidden.answer == .cannotTell && hidden.reason.contains("may not see"), "\(hidden.reason)")
        }
    }

    @Test("The route answers with everything, on record, to those who may search")
    func route() async throws {
        try await TestServer.run { server, client in
            try await Self.push(IncidentStream.all[0].hit, client)
            try await Self.settle(1, client)
            let answer = try await client.send(.get, "/v1/exposure")
            #expect(answer.status == 200, "\(answer.text)")
            let incidents = try #require(answer["incidents"] as? [[String: Any]])
            #expect(incidents.count == 12 && (answer["counts"] as? [String: Int])?["yes"] == 1)
            let one = try await client.send(.get, "/v1/exposure/event-stream-2018")
            let incident = try #require((one["incidents"] as? [[String: Any]])?.first)
            #expect(incident["answer"] as? String == "yes")
            let evidence = try #require((incident["evidence"] as? [[String: Any]])?.first)
            #expect(
                evidence["index"] is Int
                    && (evidence["event"] as? [String: Any])?["action"] as? String == "package.download")
            #expect(try await client.send(.get, "/v1/exposure/nothing").status == 404)
            #expect(try await client.send(.get, "/v1/exposure", token: nil).status == 401)
            await server.service.state.audit.flush()
            #expect(try await client.search("source:custody action:exposure.read", expecting: 2).count == 2)
        }
    }
}
