import EventModel
import Testing

@testable import Detection

@Suite("Correlations")
struct CorrelationTests {
    @Test("A late event completes the windows of later events that it falls into, each in its own time")
    func lateEvents() {
        let set = CorrelationSamples.set("type: event_count", "condition: {gte: 3}", span: "60s")
        let findings = CorrelationSamples.findings(set, [("a", 100), ("a", 130), ("a", 180), ("a", 115)])
        #expect(findings.map(\.time) == [130] && findings.map(\.position) == [3])
        // The window that ends at 170 holds three with the late one, too.
        let more = CorrelationSamples.findings(set, [("a", 100), ("a", 130), ("a", 170), ("a", 115)])
        #expect(more.map(\.time) == [130, 170])
    }

    @Test("An event far behind its group is left out and counted")
    func tooLate() throws {
        let set = CorrelationSamples.set("type: event_count", "condition: {gte: 2}", span: "60s")
        let engine = DetectionEngine(set)
        #expect(try CorrelationSamples.feed(engine, [("a", 100_000), ("a", 10)]).isEmpty)
        #expect(engine.usage.evictions == 1)
    }

    @Test("Something that does not follow is found when its window has ended, and only then")
    func absence() {
        let set = CorrelationSamples.set(
            "type: temporal_ordered", "condition: a and not b", span: "60s", rules: ["a", "b"])
        let findings = CorrelationSamples.findings(
            set, [("a", 100), ("b", 150), ("a", 200), ("a", 230), ("b", 285), ("c", 330), ("c", 400)])
        // The second one was not followed within 60 seconds, the third one was.
        #expect(findings.map(\.time) == [260])
        #expect(findings.map(\.evidence) == [[2]] && findings.map(\.group) == [["eve"]])
        #expect(CorrelationSamples.findings(set, [("a", 100), ("c", 165)]).isEmpty)
    }

    @Test("Ordered conditions over rules want the order of the list, and say which alternative was met")
    func orderedAlternatives() {
        let set = CorrelationSamples.set(
            "type: temporal_ordered", "condition: a and (b or c)", span: "60s", rules: ["a", "b", "c"])
        #expect(CorrelationSamples.findings(set, [("c", 1), ("a", 2), ("b", 3)]).map(\.time) == [3])
        #expect(CorrelationSamples.findings(set, [("b", 1), ("c", 2), ("a", 3)]).isEmpty)
    }

    @Test("Part of an ordered sequence is enough where the condition says so")
    func partialOrder() {
        let set = CorrelationSamples.set(
            "type: temporal_ordered", "condition: {gte: 2}", span: "60s", rules: ["a", "b", "c"])
        #expect(CorrelationSamples.findings(set, [("c", 1), ("a", 2), ("c", 3)]).map(\.time) == [3])
        #expect(CorrelationSamples.findings(set, [("c", 1), ("b", 2), ("a", 3)]).isEmpty)
    }

    @Test("Percentiles lie between values as SQL's percentile_cont has it")
    func percentiles() {
        let set = CorrelationSamples.set(
            "type: value_percentile", "condition: {field: n, percentile: 90, gt: 9}", span: "60s")
        let events = (1...11).map { (CorrelationSamples.Event("a", Int64($0), number: Double($0))) }
        #expect(CorrelationSamples.findings(set, events).map(\.time) == [10, 11])
    }

    @Test("A lower and an upper bound hold together")
    func bounds() {
        let set = CorrelationSamples.set("type: event_count", "condition: {gt: 1, lte: 3}", span: "60s")
        #expect(CorrelationSamples.findings(set, (1...6).map { ("a", $0) }).map(\.time) == [2, 3])
    }

    @Test("Referenced rules raise nothing unless the correlation says generate")
    func generate() {
        let silent = CorrelationSamples.set("type: event_count", "condition: {gte: 2}", span: "60s")
        let loud = CorrelationSamples.set("type: event_count", "condition: {gte: 2}\n    generate: true", span: "60s")
        let events: [(String, Int64)] = [("a", 1), ("a", 2)]
        #expect(CorrelationSamples.matches(silent, events).map(\.rule) == ["corr"])
        #expect(CorrelationSamples.matches(loud, events).map(\.rule) == ["a", "a", "corr"])
    }

    @Test("Each leaf is named as evidence once, and every event that speaks for the finding is")
    func evidence() {
        let set = CorrelationSamples.set("type: event_count", "condition: {gte: 3}", span: "60s")
        let findings = CorrelationSamples.findings(set, (1...5).map { ("a", $0) })
        #expect(findings.map(\.evidence) == [[0, 1, 2], [3], [4]])
    }

    @Test("The events behind a chain's links are evidence of the chain")
    func chainEvidence() {
        let chain = CorrelationSamples.set("type: event_count", "condition: {gte: 2}\n    generate: false", span: "60s")
        var set = RuleSet()
        set = set.adding(chain)
        set.add(
            """
            title: chain
            correlation: {type: temporal_ordered, rules: [corr, b], group-by: [actor], timespan: 60s}
            """, file: "chain.yml")
        #expect(set.errors.map(\.reason) == ["the rule `b` that it refers to is unknown or was refused"])
        set.add(CorrelationSamples.rule("b"), file: "b.yml")
        #expect(set.errors.isEmpty)
        let findings = CorrelationSamples.findings(set, [("a", 1), ("a", 2), ("b", 3)])
        #expect(findings.map(\.evidence) == [[0, 1, 2]] && findings.map(\.time) == [3])
    }

    @Test("An event with several values of a group field belongs to each group")
    func severalGroups() {
        let set = CorrelationSamples.set("type: event_count", "condition: {gte: 2}", span: "60s")
        let engine = EventFileMatcher(set)
        let file = Array(
            #"{"action":"a","actor":["x","y"],"timestamp":"2026-01-01T00:00:01Z"}"#.utf8 + [0x0A]
                + #"{"action":"a","actor":"Y","timestamp":"2026-01-01T00:00:02Z"}"#.utf8)
        let result = file.withUnsafeBytes { engine.match($0, ignoreLogsource: true) }
        #expect(result.matches.compactMap(\.finding?.group) == [["Y"]])
    }

    @Test("A window's state can be cut and restored after every event")
    func restoring() throws {
        for (type, condition) in [
            ("type: event_count", "condition: {gte: 3}"), ("type: value_count", "condition: {field: n, gte: 3}"),
            ("type: value_sum", "condition: {field: n, gt: 40}"),
        ] {
            let set = CorrelationSamples.set(type, condition, span: "20s")
            var random = CorrelationSamples.Random(seed: 7)
            let events = (0..<60).map { step in
                CorrelationSamples.Event(
                    "a", Int64(step * 3) - Int64(random.next(30)), number: Double(random.next(20)),
                    actor: "u\(random.next(3))")
            }
            let whole = DetectionEngine(set)
            let expected = try CorrelationSamples.feed(whole, events)
            #expect(!expected.isEmpty)
            for cut in stride(from: 0, through: events.count, by: 7) {
                let before = DetectionEngine(set)
                let found = try CorrelationSamples.feed(before, Array(events[..<cut]))
                let after = DetectionEngine(set)
                #expect(after.restore(before.checkpoint(next: LeafIndex(UInt64(cut)))).isEmpty)
                let rest = try CorrelationSamples.feed(after, Array(events[cut...]), from: cut)
                #expect(found + rest == expected)
                #expect(after.checkpoint(next: LeafIndex(60)) == whole.checkpoint(next: LeafIndex(60)))
            }
        }
    }

    @Test("Absence survives a restart")
    func restoringAbsence() throws {
        let set = CorrelationSamples.set(
            "type: temporal_ordered", "condition: a and not b", span: "60s", rules: ["a", "b"])
        let before = DetectionEngine(set)
        #expect(try CorrelationSamples.feed(before, [("a", 100)]).isEmpty)
        let after = DetectionEngine(set)
        #expect(after.restore(before.checkpoint(next: LeafIndex(1))).isEmpty)
        var matches: [RuleMatch] = []
        after.advance(to: Timestamp(seconds: 219), next: LeafIndex(1), into: &matches)
        #expect(matches.isEmpty)
        after.advance(to: Timestamp(seconds: 220), next: LeafIndex(1), into: &matches)
        #expect(matches.map(\.evidence) == [[LeafIndex(0)]] && matches.map(\.time) == [Timestamp(seconds: 160)])
        #expect(matches[0].group.map(\.value) == ["eve"])
    }

    @Test("The answers are those of a naive evaluation over all events, whatever their order")
    func naiveReference() throws {
        let set = CorrelationSamples.set("type: event_count", "condition: {gte: 3}", span: "20s")
        for seed in 1...30 {
            var random = CorrelationSamples.Random(seed: UInt64(seed))
            let events = (0..<40).map { step in
                CorrelationSamples.Event(
                    "a", 1_000 + Int64(step * 4) - Int64(random.next(60)), actor: "u\(random.next(2))")
            }
            let found = Set(try CorrelationSamples.feed(DetectionEngine(set), events).map { "\($0.group) \($0.time)" })
            let expected = events.filter { event in
                events.count { $0.actor == event.actor && (event.time - 20...event.time).contains($0.time) } >= 3
            }.map { "\([$0.actor]) \($0.time)" }
            #expect(found == Set(expected), "seed \(seed)")
        }
    }
}
