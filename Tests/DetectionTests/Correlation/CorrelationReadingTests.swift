import Testing

@testable import Detection

@Suite("Reading correlations")
struct CorrelationReadingTests {
    @Test(
        "What is wrong with a correlation is named with its line",
        arguments: [
            ("rules: [a]\n    timespan: 5m\n    condition: {gte: 2}", "rules.yml:3: the correlation has no type"),
            ("type: sum\n    rules: [a]\n    timespan: 5m", "rules.yml:4: unknown correlation type `sum`"),
            (
                "type: event_count\n    rules: [a]\n    condition: {gte: 2}",
                "rules.yml:3: the correlation has no timespan"
            ),
            ("type: temporal\n    rules: [a]\n    timespan: -5m", "rules.yml:6: the timespan `-5m` is not"),
            (
                "type: temporal\n    rules: [a]\n    timespan: 99999999y",
                "rules.yml:6: the timespan is longer than ten years"
            ),
            ("type: event_count\n    rules: [a]\n    timespan: 5m", "rules.yml:3: the correlation has no condition"),
            (
                "type: event_count\n    rules: [a]\n    timespan: 5m\n    condition: {gte: 2, field: x}",
                "rules.yml:7: `event_count` has no field to look at"
            ),
            (
                "type: value_sum\n    rules: [a]\n    timespan: 5m\n    condition: {gte: 2}",
                "rules.yml:7: `value_sum` needs a field"
            ),
            (
                "type: event_count\n    rules: [a]\n    timespan: 5m\n    condition: {gte: 1000000}",
                "rules.yml:7: `event_count` counts up to 100000"
            ),
            (
                "type: temporal\n    rules: [a]\n    timespan: 5m\n    windows: 3",
                "rules.yml:7: `windows` is not a part"
            ),
            (
                "type: temporal\n    rules: [a]\n    timespan: 5m\n    aliases: {x: {b: y}}",
                "rules.yml:7: the alias `x` names `b`, which is not among"
            ),
            (
                "type: temporal\n    rules: [a]\n    timespan: 5m\n    condition: a and b",
                "rules.yml:7: the condition names `b`, which is not among its rules"
            ),
            (
                "type: temporal\n    rules: [a]\n    timespan: 5m\n    condition: not a",
                "rules.yml:7: the condition holds when nothing happens"
            ),
            (
                "type: event_count\n    rules: [a]\n    timespan: 5m\n    condition: a and a",
                "rules.yml:7: a condition over rules is for temporal"
            ),
            (
                "type: temporal\n    rules: [nobody]\n    timespan: 5m",
                "rules.yml:1: the rule `nobody` that it refers to is unknown"
            ),
        ])
    func faults(body: String, reason: String) {
        let set = Samples.rules(
            "title: c\nid: 6f3e2987-db24-4c78-a860-b4f4095a7095\ncorrelation:\n    \(body)\n---\n\(CorrelationSamples.rule("a"))"
        )
        #expect(set.errors.count == 1)
        #expect(set.errors.first?.description.hasPrefix(reason) == true, "\(set.errors)")
        #expect(set.rules.map(\.title) == ["a"])
    }

    @Test("Circles are refused as a whole, with the way round")
    func circles() {
        func correlation(_ name: String, _ rule: String) -> String {
            "title: \(name)\nname: \(name)\ncorrelation: {type: temporal, rules: [\(rule)], timespan: 5m}\n"
        }
        let set = Samples.rules(
            [correlation("x", "y"), correlation("y", "z"), correlation("z", "x"), correlation("w", "w")].joined(
                separator: "---\n"))
        #expect(set.rules.isEmpty && set.errors.count == 4)
        #expect(set.errors[0].reason == "the correlation refers to itself: x → y → z → x")
        #expect(set.errors.allSatisfy { $0.line != nil })
    }

    @Test("Files may come in any order, and rules of another set may be referred to")
    func order() {
        var set = Samples.rules("title: c\ncorrelation: {type: temporal, rules: [a], timespan: 5m}\n")
        #expect(set.errors.count == 1 && set.rules.isEmpty)
        set = set.adding(Samples.rules(CorrelationSamples.rule("a"), file: "other.yml"))
        #expect(set.errors.isEmpty && set.rules.count == 2)
    }

    @Test("A correlation that lacks a source for a rule that it needs is dormant")
    func dormancy() {
        let windows = CorrelationSamples.rule("a").replacing("{category: supply_chain}", with: "{product: windows}")
        let both = windows + "---\n" + CorrelationSamples.rule("b") + "---\n"
        let needsBoth = Samples.rules(both + "title: c\ncorrelation: {type: temporal, rules: [a, b], timespan: 5m}\n")
        #expect(needsBoth.dormant.map(\.title).sorted() == ["a", "c"])
        let needsAny = Samples.rules(
            both + "title: c\ncorrelation: {type: event_count, rules: [a, b], timespan: 5m, condition: {gte: 2}}\n")
        #expect(needsAny.dormant.map(\.title) == ["a"])
    }
}
