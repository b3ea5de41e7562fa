import EventModel

@testable import Detection

/// Correlations over rules that match an action by its name, and what they find.
enum CorrelationSamples {
    struct Event {
        let action: String
        let time: Int64
        var number = 0.0
        var actor = "eve"

        init(_ action: String, _ time: Int64, number: Double = 0, actor: String = "eve") {
            self.action = action
            self.time = time
            self.number = number
            self.actor = actor
        }
    }

    struct Finding: Equatable {
        let rule: String
        let position: Int
        let time: Int64
        let group: [String]
        let evidence: [Int]
    }

    static func rule(_ name: String) -> String {
        "title: \(name)\nname: \(name)\nlogsource: {category: supply_chain}\ndetection: {s: {action: \(name)}, condition: s}\n"
    }

    static func set(_ type: String, _ condition: String, span: String, rules: [String] = ["a"]) -> RuleSet {
        let correlation = """
            title: corr
            name: corr
            level: high
            correlation:
                \(type)
                rules: [\(rules.joined(separator: ", "))]
                group-by: [actor]
                timespan: \(span)
                \(condition)
            """
        return Samples.rules(([correlation + "\n"] + rules.map(rule)).joined(separator: "---\n"))
    }

    static func feed(_ engine: DetectionEngine, _ events: [(String, Int64)], from first: Int = 0) throws -> [Finding] {
        try feed(engine, events.map { Event($0.0, $0.1) }, from: first)
    }

    static func feed(_ engine: DetectionEngine, _ events: [Event], from first: Int = 0) throws -> [Finding] {
        try all(engine, events, from: first)
    }

    private static func all(_ engine: DetectionEngine, _ events: [Event], from first: Int) throws -> [Finding] {
        var matches: [RuleMatch] = []
        for (position, event) in events.enumerated() {
            let payload = #"{"action":"\#(event.action)","actor":"\#(event.actor)","n":\#(event.number)}"#
            try JSONParser().withDocument(Array(payload.utf8)) { root in
                engine.evaluateIgnoringSource(
                    payload: root, time: Timestamp(seconds: event.time), index: LeafIndex(UInt64(first + position)),
                    into: &matches)
            }
        }
        return matches.map { match in
            Finding(
                rule: match.rule.title, position: Int(match.index.rawValue), time: match.time.seconds,
                group: match.group.map(\.value), evidence: match.evidence.map { Int($0.rawValue) })
        }
    }

    /// What correlations found; events that cannot be read would be a fault of the test.
    static func findings(_ set: RuleSet, _ events: [(String, Int64)]) -> [Finding] {
        findings(set, events.map { Event($0.0, $0.1) })
    }

    static func findings(_ set: RuleSet, _ events: [Event]) -> [Finding] {
        let correlations = Set(set.rules.filter { $0.definition != nil }.map(\.title))
        return matches(set, events).filter { correlations.contains($0.rule) }
    }

    static func matches(_ set: RuleSet, _ events: [(String, Int64)]) -> [Finding] {
        matches(set, events.map { Event($0.0, $0.1) })
    }

    private static func matches(_ set: RuleSet, _ events: [Event]) -> [Finding] {
        (try? all(DetectionEngine(set), events, from: 0)) ?? []
    }

    /// A small generator whose numbers a test can repeat.
    struct Random {
        private var state: UInt64

        init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

        mutating func next(_ bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(bound))
        }
    }
}
