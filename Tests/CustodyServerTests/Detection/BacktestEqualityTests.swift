import Connectors
import Detection
import EventModel
import Foundation
import HTTPTypes
import HummingbirdTesting
import Intake
import Synchronization
import Testing

@testable import CustodyServer

@Suite("What a backtest finds and what the server raised")
struct BacktestEqualityTests {
    private static let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("DetectionTests/Fixtures/scenarios")

    /// The time that a server is told.
    private final class TestClock: Sendable {
        private let time = Mutex(Timestamp(seconds: 1_767_600_000))
        var now: Timestamp { time.withLock { $0 } }
        func pass(_ nanoseconds: Int64) { time.withLock { $0 = $0.advanced(byNanoseconds: nanoseconds) } }
    }

    /// Some deliveries of a source, one like the other.
    private struct Step: Decodable {
        var after: String?
        var count: Int?
        var every: String?
        var source: String
        var connector: String
        var headers: [String: String]?

        static func nanoseconds(_ text: String?) -> Int64 {
            guard let text, let number = Int64(text.dropLast()) else { return 0 }
            let seconds: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
            return number * (seconds[text.last ?? "s"] ?? 0) * 1_000_000_000
        }
    }

    /// Replays all scenarios, a day apart. Returns how many events were taken.
    private static func replay(_ state: ServerState, _ clock: TestClock) async throws -> Int {
        var taken = 0
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(files.count == 12)
        for file in files {
            clock.pass(86_400_000_000_000)
            let text = try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
            for line in text.split(separator: "\n") {
                let step = try JSONDecoder().decode(Step.self, from: Data(line.utf8))
                let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
                let body = try JSONSerialization.data(
                    withJSONObject: object["body"] as Any, options: [.withoutEscapingSlashes, .sortedKeys])
                clock.pass(Step.nanoseconds(step.after))
                for number in 0..<(step.count ?? 1) {
                    if number > 0 { clock.pass(Step.nanoseconds(step.every)) }
                    taken += try await deliver(String(decoding: body, as: UTF8.self), step, number, taken, state, clock)
                }
            }
            // Whatever waits for something that has to follow is decided.
            clock.pass(2 * 86_400_000_000_000)
            await state.audit.flush()
        }
        clock.pass(2 * 86_400_000_000_000)
        return taken
    }

    private static func deliver(
        _ body: String, _ step: Step, _ number: Int, _ next: Int, _ state: ServerState, _ clock: TestClock
    ) async throws -> Int {
        let happened = clock.now
        func fill(_ text: String) -> String {
            text.replacing("\"{ms}\"", with: String(happened.milliseconds)).replacing("{time}", with: happened.text)
                .replacing("{delivery}", with: "d-\(next)").replacing("{n}", with: String(number))
                .replacing(
                    "{digest}", with: String(repeating: String(next % 10), count: 56) + String(10_000_000 + next))
        }
        clock.pass(1_000_000_000)
        let answer = try await state.intake.submit(
            Delivery(
                method: "POST", headers: DeliveryHeaders((step.headers ?? [:]).map { ($0.key, fill($0.value)) }),
                body: Array(fill(body).utf8), received: clock.now),
            from: DeliverySource(
                origin: EventOrigin(name: step.source, verified: "token"),
                connector: try state.catalogue.connector(named: step.connector), fingerprintKey: [1]),
            catalogue: state.catalogue, deliveryID: nil)
        #expect(answer.rejected.isEmpty)
        return answer.accepted
    }

    /// Until everything that was committed, the server's own events about it included, was judged.
    private static func settle(_ state: ServerState) async {
        let detection = state.views.first { $0.name == "detection" }
        var end: LeafIndex
        repeat {
            await state.audit.flush()
            end = state.intake.committer.end
            let target = end
            await withCheckedContinuation { continuation in
                Thread.detachNewThread {
                    detection?.waitUntil(processed: target)
                    continuation.resume()
                }
            }
            await state.audit.flush()
        } while state.intake.committer.end != end
    }

    /// What of an alert does not hang on when and where it was raised.
    private static func facts(_ alert: Alert) -> [String] {
        [
            alert.id, alert.ruleKey, alert.kind.rawValue, alert.severity.rawValue, alert.fingerprint, alert.entity,
            alert.sourceKind, alert.sourceName, alert.firstSeen.text, alert.lastSeen.text, String(alert.count),
            alert.explanation.joined(separator: "\n"),
            alert.group.map { "\($0.name)=\($0.value)" }.joined(separator: "\n"),
        ]
    }

    private static func live(_ state: ServerState, of rules: Set<String>? = nil) throws -> Set<[String]> {
        var filter = AlertFilter()
        filter.kind = nil
        let page = try state.alerts.list(filter, limit: AlertStore.maximumPage)
        #expect(page.next == nil)
        return Set(page.alerts.filter { rules?.contains($0.ruleKey) ?? true }.map(facts))
    }

    private static func backtest(_ state: ServerState, _ keys: Set<String>, _ rules: RuleSet) throws -> Backtest.Report
    {
        let backtest = Backtest(
            scan: StoredEventScan(store: state.storeView, journal: state.journal), rules: rules, keys: keys,
            live: state.alerts, now: state.now)
        return try backtest.run(
            receivedIn: Timestamp(nanoseconds: 0)..<Timestamp(nanoseconds: .max), limit: .seconds(3_600),
            isCancelled: { false })
    }

    @Test("Over the streams of all scenarios they are the same alerts, for all rules at once and for each by itself")
    func equality() async throws {
        let clock = TestClock()
        try await TestServer.run(now: { clock.now }) { server, client in
            let state = server.service.state
            let taken = try await Self.replay(state, clock)
            #expect(taken > 150)
            // A last event, after which nothing waits for its deadline any more.
            _ = try await client.send(.get, "/v1/alerts")
            await Self.settle(state)
            let cursor = state.intake.committer.end
            let rules = state.engine.ruleSet
            let all = Set(rules.rules.map(\.key))
            let live = try Self.live(state)
            let report = try Self.backtest(state, all, rules)
            #expect(report.isComplete && report.events == Int(cursor.rawValue))
            #expect(live.count > 30)
            let tried = Set(report.alerts.map(Self.facts))
            #expect(tried.subtracting(live).isEmpty, "only the backtest: \(tried.subtracting(live).prefix(3))")
            #expect(live.subtracting(tried).isEmpty, "only live: \(live.subtracting(tried).prefix(3))")
            #expect(report.comparison.onlyLiveCount == 0 && report.comparison.onlyBacktestCount == 0)
            #expect(report.comparison.both > 50)

            var least = Int.max
            for key in Set(live.map { $0[1] }) {
                let chosen = try rules.selecting(key)
                let report = try Self.backtest(state, [key], Backtest.rules(chosen, inForce: rules))
                let expected = live.filter { $0[1] == key }
                #expect(Set(report.alerts.map(Self.facts)) == expected, "\(key)")
                #expect(report.events == Int(cursor.rawValue) && report.evaluated <= report.events)
                #expect(report.comparison.onlyLiveCount == 0 && report.comparison.onlyBacktestCount == 0, "\(key)")
                least = min(least, report.evaluated)
            }
            #expect(least < Int(cursor.rawValue) / 4)

            // A correlation from outside.
            let correlation = try #require(
                rules.rules.first { rule in
                    rule.file.contains("correlation-") && live.contains { $0[1] == rule.key }
                })
            let answer = try await client.send(
                .post, "/v1/rules/backtest", #"{"id":"\#(correlation.key)","since":"2020-01-01"}"#)
            #expect(answer.status == 200, "\(answer.text)")
            let found = (answer["alerts"] as? [[String: Any]] ?? []).compactMap { $0["id"] as? String }
            #expect(Set(found) == Set(live.filter { $0[1] == correlation.key }.map { $0[0] }) && !found.isEmpty)
            let events = try #require(answer["events"] as? Int)
            let evaluated = try #require(answer["evaluated"] as? Int)
            #expect(events >= Int(cursor.rawValue) && evaluated <= events)
            let evidence = try #require(answer["evidence"] as? [String: Any])
            #expect(evidence["only_live"] as? Int == 0 && evidence["only_backtest"] as? Int == 0)
            #expect((evidence["both"] as? Int ?? 0) > 0)
        }
    }
}
