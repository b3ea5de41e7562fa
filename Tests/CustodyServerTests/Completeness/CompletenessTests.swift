import EventModel
import Foundation
import HTTPTypes
import HummingbirdTesting
import Identity
import Intake
import Journal
import Ledger
import Synchronization
import Testing

@testable import CustodyServer

@Suite("How complete sources are")
struct CompletenessTests {
    /// The wall clock, which can be put forward. It has to run: what is found depends on how long it waited to be indexed.
    private final class Clock: Sendable {
        private let offset = Mutex<Int64>(0)
        var now: Timestamp { WallClock.now().advanced(byNanoseconds: offset.withLock { $0 }) }
        func advance(bySeconds seconds: Int64) { offset.withLock { $0 += seconds * 1_000_000_000 } }
    }

    private static func event(_ number: Int) -> String { #"{"id":"e\#(number)","seq":\#(number),"shard":"eu"}"# }

    /// What the route answers, asked for until it is as wanted. Not over the route, which puts each question on record.
    private func completeness(
        _ server: TestServer, _ name: String, until holds: ([String: Any]) -> Bool
    ) async throws -> [String: Any] {
        let state = server.service.state
        let source = try #require(state.sources.source(named: name))
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            var json = JSONWriter()
            CompletenessReport(source, state).write(to: &json)
            let report = try #require(try JSONSerialization.jsonObject(with: Data(json.bytes)) as? [String: Any])
            if holds(report) || ContinuousClock.now > deadline { return report }
            await Task.yield()
        }
    }

    /// Waits until the view has found something, and has it told.
    private func tell(_ server: TestServer) async throws {
        let state = server.service.state
        let deadline = ContinuousClock.now + .seconds(60)
        while try await state.completeness.waitingFindings(limit: 1).isEmpty, ContinuousClock.now < deadline {
            await Task.yield()
        }
        try await FindingWork(state: state).tell()
        #expect(try await state.completeness.waitingFindings(limit: 1).isEmpty)
    }

    @Test("A source that goes quiet raises an alert once, says so everywhere, and resumes with its next event")
    func quiet() async throws {
        let clock = Clock()
        try await TestServer.run(now: { clock.now }) { server, client in
            _ = try await client.send(.post, "/v1/events?source=k8s", #"{"id":"1","actor":"mona"}"#)
            let set = try await client.send(
                .put, "/v1/sources/k8s/expectations", #"{"every":"2h","quiet_hours":"01:00-01:10"}"#)
            #expect(set.status == 200, "\(set.text)")
            #expect((set["expected"] as? [String: Any])?["every_seconds"] as? Int == 7_200)
            _ = try await completeness(server, "k8s") { $0["events"] as? Int == 1 }
            clock.advance(bySeconds: 3 * 3_600)
            let quiet = try await completeness(server, "k8s") { $0["condition"] as? String == "quiet" }
            #expect(quiet["quiet_since"] is String)
            try await tell(server)
            #expect(try await client.search("source:custody action:source.quiet resource:k8s", expecting: 1).count == 1)
            let shown = try await client.send(.get, "/v1/sources/k8s")
            #expect((shown["completeness"] as? [String: Any])?["condition"] as? String == "quiet")
            #expect(server.service.state.metrics.text.contains("custody_sources_quiet 1\n"))
            #expect(server.service.state.metrics.text.contains("custody_source_quiet{source=\"k8s\"} 1\n"))

            _ = try await client.send(.post, "/v1/events?source=k8s", #"{"id":"2","actor":"mona"}"#)
            let again = try await completeness(server, "k8s") { $0["condition"] as? String == "ok" }
            #expect(again["events"] as? Int == 2 && again["quiet_since"] == nil)
            try await tell(server)
            #expect(try await client.search("source:custody action:source.resume", expecting: 1).count == 1)
            let deadline = ContinuousClock.now + .seconds(60)
            var alerts = ""
            while !alerts.contains("Expected source is quiet"), ContinuousClock.now < deadline {
                alerts = try await client.send(.get, "/v1/alerts").text
                await Task.yield()
            }
            #expect(alerts.contains("Expected source is quiet"))
        }
    }

    @Test("Missing numbers become a leaf of their own kind, once, also when the server starts anew in between")
    func gap() async throws {
        let clock = Clock()
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("custody-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        try await TestServer.run(in: directory, now: { clock.now }) { server, client in
            _ = try await client.send(.post, "/v1/events?source=pay", Self.event(1))
            let set = try await client.send(
                .put, "/v1/sources/pay/expectations", #"{"sequence":"raw.seq","partition":"raw.shard","grace":"1m"}"#)
            #expect(set.status == 200, "\(set.text)")
            // What is expected is looked at four times a second.
            _ = try await completeness(server, "pay") { $0["events"] as? Int == 1 }
            let deadline = ContinuousClock.now + .seconds(60)
            var number = 2
            while try await completeness(server, "pay", until: { $0["events"] as? Int == number - 1 })["sequences"]
                .flatMap({ $0 as? [Any] })?.isEmpty != false, ContinuousClock.now < deadline
            {
                _ = try await client.send(.post, "/v1/events?source=pay", Self.event(number))
                number += 1
            }
            _ = try await client.send(
                .post, "/v1/events?source=pay",
                [Self.event(number + 2), Self.event(number + 3)].joined(separator: "\n"))
            _ = try await completeness(server, "pay") { $0["missing"] as? Int == 2 }
        }
        clock.advance(bySeconds: 120)
        try await TestServer.run(in: directory, now: { clock.now }) { server, client in
            let gaps = try await completeness(server, "pay") { $0["condition"] as? String == "gaps" }
            #expect(gaps["gaps"] as? Int == 1 && gaps["missing"] as? Int == 2)
            try await tell(server)
            let found = try await client.search("source:custody action:source.gap resource:pay", expecting: 1)
            #expect(found.count == 1)
            let index = try #require(found.first?["index"] as? Int)
            let state = server.service.state
            var kinds: [UInt8] = []
            for batch in try state.journal.records(in: UInt64(index)..<UInt64(index) + 1) {
                try CommittedBatch(replaying: batch, keyer: state.intake.keyer)
                    .forEach { _, view, _ in kinds.append(view.kind) }
            }
            #expect(kinds == [LeafKind.sourceGap.rawValue])
            // The same finding once more, as after a crash before it was forgotten, is a duplicate.
            let raw = try await client.send(.get, "/v1/events/\(index)/raw")
            #expect(raw.text.contains("\"partition\":\"eu\""))
            try await server.service.state.audit.recordDurably(
                AuditEntry(
                    CompletenessFinding(
                        source: "pay", kind: .gap(partition: "eu", first: 1, last: 1), time: clock.now)))
            try await server.service.state.audit.recordDurably(
                AuditEntry(
                    CompletenessFinding(
                        source: "pay", kind: .gap(partition: "eu", first: 1, last: 1), time: clock.now)))
            #expect(
                try await client.search("source:custody action:source.gap resource:pay", expecting: 2).count == 2)
        }
    }

    @Test("Duplicates, refused entries, refused deliveries and wrong clocks are counted, also over a restart")
    func counts() async throws {
        let clock = Clock()
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("custody-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        try await TestServer.run(in: directory, now: { clock.now }) { server, client in
            _ = try await client.send(.post, "/v1/events?source=ci", #"{"id":"1","actor":"mona"}"#)
            _ = try await client.send(.post, "/v1/events?source=ci", #"{"id":"1","actor":"mona"}"#)
            _ = try await client.send(.post, "/v1/events?source=ci", #"{"id":"2","actor":"#)
            #expect(try await client.send(.post, "/v1/hooks/ci", "{}", token: nil).status == 401)
            let (ahead, late) = (clock.now.advanced(byNanoseconds: 3_600_000_000_000).text, "2020-01-01T00:00:00Z")
            _ = try await client.send(.post, "/v1/events?source=ci", #"{"id":"3","time":"\#(ahead)"}"#)
            _ = try await client.send(.post, "/v1/events?source=ci", #"{"id":"4","time":"\#(late)"}"#)
            #expect(try await client.search("source:ci norm.warnings:*skew*", expecting: 1).count == 1)
        }
        try await TestServer.run(in: directory, now: { clock.now }) { server, client in
            let json = try await completeness(server, "ci") { $0["events"] as? Int == 3 }
            for (name, count) in [("duplicates", 1), ("rejected", 1), ("refused", 1), ("late", 1), ("ahead", 1)] {
                #expect(json[name] as? Int == count, "\(name): \(json)")
            }
            #expect(server.service.state.metrics.text.contains("custody_source_duplicates_total{source=\"ci\"} 1\n"))
        }
    }

    @Test(
        "What cannot be expected is refused with a reason",
        arguments: [
            "{}", #"{"every":"5s"}"#, #"{"every":"99w"}"#, #"{"every":"soon"}"#,
            #"{"every":"2h","quiet_hours":"nights"}"#,
            #"{"quiet_hours":"22:00-06:00"}"#, #"{"sequence":"nothing"}"#, #"{"partition":"raw.a"}"#,
            #"{"sequence":"raw.a","grace":"9w"}"#, #"{"every":7}"#,
        ])
    func refusals(body: String) async throws {
        try await TestServer.run { _, client in
            let answer = try await client.send(.put, "/v1/sources/auto/expectations", body)
            #expect(answer.status == 400, "\(answer.text)")
        }
    }

    @Test("What is expected can be looked at by auditors, changed by administrators alone, and taken back")
    func access() async throws {
        try await TestServer.run { _, client in
            let made = try await client.send(.post, "/v1/tokens", #"{"name":"a","scopes":["audit"]}"#)
            let token = try #require(made["token"] as? String)
            let path = "/v1/sources/auto/expectations"
            #expect(try await client.send(.get, "/v1/sources/auto/completeness", token: token).status == 200)
            #expect(try await client.send(.put, path, #"{"every":"2h"}"#, token: token).status == 403)
            #expect(try await client.send(.put, "/v1/sources/none/expectations", #"{"every":"2h"}"#).status == 404)
            #expect(try await client.send(.delete, path).status == 404)
            #expect(try await client.send(.put, path, #"{"every":"2h"}"#).status == 200)
            #expect(try await client.send(.delete, path, token: token).status == 403)
            #expect(try await client.send(.delete, path).status == 204)
            let list = try await client.send(.get, "/v1/sources")
            #expect(list.text.contains("\"condition\":\"waiting\""))
            #expect(try await client.search("source:custody action:source.expect_nothing", expecting: 1).count == 1)
        }
    }
}
