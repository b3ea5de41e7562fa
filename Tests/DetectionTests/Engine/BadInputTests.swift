import EventModel
import Testing

@testable import Detection

@Suite("Rules and events that mean harm")
struct BadInputTests {
    @Test("A catastrophic expression takes linear time on a megabyte")
    func catastrophic() throws {
        let engine = DetectionEngine(
            Samples.rule(#"s: {a|re: '(a+)+(a|aa)*$b', b|re: '(.*)(.*)(.*)(.*)x'}"# + "\ncondition: 1 of s*"))
        let payload =
            #"{"a":"\#(String(repeating: "a", count: 500_000))","b":"\#(String(repeating: "-", count: 500_000))"}"#
        let start = ContinuousClock.now
        #expect(try Samples.matches(engine, [(.sourceKind, "x")], payload: payload).isEmpty)
        #expect(ContinuousClock.now - start < .seconds(120))
    }

    @Test("An expression that needs too much memory is refused")
    func hugeExpression() {
        let set = Samples.rule("s: {a|re: '((a{1,1000}){1,1000}){1,1000}'}\ncondition: s")
        #expect(set.errors.first?.reason.hasPrefix("invalid regular expression") == true)
    }

    @Test("Twenty thousand alternatives are many; a hundred thousand are refused with the limit")
    func alternatives() throws {
        func rule(_ count: Int) -> RuleSet {
            Samples.rule("s:\n  a|contains: [\((0..<count).map { "v\($0)x" }.joined(separator: ","))]\ncondition: s")
        }
        let engine = DetectionEngine(rule(20_000))
        let event: [(Field, String)] = [(.sourceKind, "x")]
        #expect(try Samples.matches(engine, event, payload: #"{"a":"..v19999x.."}"#).count == 1)
        #expect(try Samples.matches(engine, event, payload: #"{"a":"..v20000x.."}"#).isEmpty)
        let refused = rule(100_000)
        #expect(refused.rules.isEmpty && refused.errors.first?.reason == "more than 50000 YAML nodes")
    }

    @Test("Literals that share all their bytes do not make a long value expensive")
    func repetitive() throws {
        let literals = (4...200).map { String(repeating: "a", count: $0) + "b" }
        let engine = DetectionEngine(
            Samples.rule("s:\n  a|contains: [\(literals.joined(separator: ","))]\ncondition: s"))
        let payload = #"{"a":"\#(String(repeating: "a", count: 1_000_000))"}"#
        let start = ContinuousClock.now
        #expect(try Samples.matches(engine, [(.sourceKind, "x")], payload: payload).isEmpty)
        #expect(ContinuousClock.now - start < .seconds(120))
    }

    @Test("A condition of ten thousand parentheses and a rule of two megabytes are refused")
    func size() {
        let deep = String(repeating: "(", count: 10_000) + "s" + String(repeating: ")", count: 10_000)
        #expect(Samples.rule("s: {a: 1}\ncondition: \(deep)").errors.count == 1)
        let long = Samples.rule("s: {a: '\(String(repeating: "x", count: 2 << 20))'}\ncondition: s")
        #expect(long.errors.first?.reason.contains("is over the limit of 1048576") == true)
    }

    @Test("Events from before all clocks are judged, as events of 1970")
    func earliestTimes() throws {
        let set = CorrelationSamples.set("type: event_count", "condition: {gte: 2}", span: "365d")
        #expect(set.errors.isEmpty)
        let engine = DetectionEngine(set)
        let fields: [(Field, String)] = [
            (.sourceKind, "x"), (.time, "1678-01-01T00:00:00Z"), (.received, "2026-11-01T00:00:00Z"),
        ]
        let payload = #"{"action":"a","actor":"eve"}"#
        _ = try Samples.matches(engine, fields, payload: payload)
        let found = try Samples.matches(engine, fields, payload: payload, index: 1).filter { $0.rule.title == "corr" }
        #expect(found.map(\.time) == [Timestamp(seconds: 0)])
        // Of files, which say the time themselves.
        #expect(CorrelationSamples.findings(set, [("a", -9_214_000_000), ("a", -9_214_000_000)]).map(\.time) == [0])
    }

    @Test("A flood of groups stays within the memory of a correlation, and what had to go is counted")
    func flood() throws {
        let set = CorrelationSamples.set("type: event_count", "condition: {gte: 3}", span: "1h")
        var limits = StateLimits()
        limits.operatorBytes = 1 << 20
        let engine = DetectionEngine(set, limits: limits)
        for step in 0..<20_000 {
            _ = try CorrelationSamples.feed(
                engine, [CorrelationSamples.Event("a", 1_000 + Int64(step / 100), actor: "u\(step)")], from: step)
        }
        let usage = engine.usage
        #expect(usage.bytes <= 1 << 20 && usage.evictions > 10_000 && usage.entries > 2_000)
        #expect(usage.saturated == 1 && engine.usageByRule.values.count { $0.saturated == 1 } == 1)
        // Those that came last are still there.
        let last = try CorrelationSamples.feed(
            engine, (0..<2).map { _ in CorrelationSamples.Event("a", 1_200, actor: "u19999") }, from: 20_000)
        #expect(last.count == 1)
        // Once the windows of the flood are over there is room again.
        _ = try CorrelationSamples.feed(
            engine, [CorrelationSamples.Event("a", 100_000, actor: "v")], from: 30_000)
        #expect(engine.usage.saturated == 0 && engine.usage.entries < 10)
    }

    @Test(
        "A full group takes no more than docs/sigma.md says: 512 bytes for small thresholds",
        arguments: [
            ("event_count", "condition: {gte: 6}", 1, 512), ("event_count", "condition: {gte: 100}", 1, 6_400),
            ("value_count", "condition: {field: n, gte: 2}", 1, 512),
            ("value_count", "condition: {field: n, gte: 100}", 1, 12_500), ("temporal", "", 3, 512),
            ("temporal_ordered", "", 3, 512), ("value_sum", "condition: {field: n, gte: 1000000000}", 1, 49_500),
        ])
    func groupMemory(type: String, condition: String, rules: Int, bound: Int) throws {
        let names = Array(["a", "b", "c"].prefix(rules))
        let set = CorrelationSamples.set("type: \(type)", condition, span: "1h", rules: names)
        let engine = DetectionEngine(set)
        let events = type == "value_sum" ? 1_100 : 500
        for step in 0..<4 {
            _ = try CorrelationSamples.feed(
                engine,
                (0..<events).map {
                    CorrelationSamples.Event(
                        names[$0 % rules], 1_000 + Int64($0), number: Double($0), actor: "u\(step)")
                })
        }
        #expect(engine.usage.entries == 4 && engine.usage.bytes / 4 <= bound, "\(engine.usage)")
    }

    @Test("Events from the future do not move the windows of the others")
    func future() throws {
        let set = CorrelationSamples.set("type: event_count", "condition: {gte: 3}", span: "60s")
        let engine = DetectionEngine(set)
        var matches: [RuleMatch] = []
        for (index, time) in ["2026-01-01T00:00:00Z", "2199-01-01T00:00:00Z", "2026-01-01T00:00:05Z"].enumerated() {
            matches += try Samples.matches(
                engine,
                [
                    (.sourceKind, "x"), (.action, "a"), (.actorName, "eve"), (.time, time),
                    (.received, "2026-01-01T00:00:0\(index)Z"),
                ], payload: #"{"actor":"eve"}"#, index: UInt64(index))
        }
        #expect(matches.map(\.evidence.count) == [3])
    }
}
