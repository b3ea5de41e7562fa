import EventModel
import Testing

@testable import Detection

@Suite("The memory of baselines")
struct BaselineStateTests {
    private typealias Event = BaselineSamples.Event

    static let baselines = [
        "type: first-seen, per: actor.name, of: client.ip|network, learn: 20s, settled: 3, keep: 4",
        "type: first-seen, of: resource.name, learn: 20s, forget: 5s",
        "type: changed, per: resource.name, of: client.ip",
        "type: unexpected, per: resource.name, of: [actor.name, client.ip], learn: 10s",
        "type: rare, per: actor.name, of: resource.name, settled: 5, learn: 0s",
        "type: burst, per: actor.name, within: 4s, more-than: 3, deviations: 2, settled: 2, learn: 10s",
        "type: distinct-burst, per: actor.name, of: resource.name, within: 5s, more-than: 2, learn: 0s",
        "type: dormant, per: actor.name, after: 8s, learn: 0s",
        "type: missing, per: resource.name, followed-by: itself, within: 4s, grace: 1s",
        "type: missing, per: resource.name, followed-by: answer, within: 4s, before: 3s, grace: 1s",
    ]
    private static let answer =
        "---\ntitle: answer\nname: answer\nlogsource: {category: supply_chain}\n"
        + "detection: {s: {custody.action: answer}, condition: s}\n"

    /// Events in no particular order of time, some late.
    private static func stream(seed: UInt64, count: Int) -> [Event] {
        var numbers = SeededNumbers(seed: seed)
        var seconds: Int64 = 0
        return (0..<count).map { _ in
            seconds += Int64(numbers.below(3))
            let late = numbers.below(8) == 0 ? Int64(numbers.below(4)) : 0
            return Event(
                seconds: max(seconds - late, 0), actor: numbers.pick(["ada", "bob", "eve"]),
                value: numbers.below(9) == 0 ? nil : "v\(numbers.below(6))",
                action: numbers.below(4) == 0 ? "answer" : "act",
                ip: numbers.below(7) == 0 ? nil : "10.0.\(numbers.below(5)).\(numbers.below(3))")
        }
    }

    private static func described(_ matches: [RuleMatch]) -> [String] {
        matches.map { "\($0.index) \($0.evidence) \($0.group) \($0.explanation) \($0.isLearning)" }
    }

    /// Without what is no part of the state: whether there is room just now.
    private static func held(_ usage: StateUsage) -> [Int] { [usage.entries, usage.bytes, usage.evictions] }

    @Test(
        "Stopped at any leaf and gone on from its state, a baseline finds the same and holds the same",
        arguments: baselines)
    func snapshots(baseline: String) throws {
        let rules = BaselineSamples.rule(baseline) + Self.answer
        // So little memory that entries are given up, too.
        for bytes in [1 << 20, 900] {
            let events = Self.stream(seed: 11, count: 150)
            let whole = BaselineSamples.engine(rules, bytes: bytes)
            let expected = Self.described(try BaselineSamples.matches(whole, events))
            let end = whole.checkpoint(next: LeafIndex(150))
            for cut in stride(from: 0, through: 150, by: 7) {
                let before = BaselineSamples.engine(rules, bytes: bytes)
                let found = try BaselineSamples.matches(before, Array(events[..<cut]))
                let after = BaselineSamples.engine(rules, bytes: bytes)
                #expect(after.restore(before.checkpoint(next: LeafIndex(UInt64(cut)))).isEmpty)
                let rest = try BaselineSamples.matches(after, Array(events[cut...]), from: UInt64(cut))
                #expect(Self.described(found + rest) == expected, "cut at \(cut)")
                #expect(
                    after.checkpoint(next: LeafIndex(150)) == end && Self.held(after.usage) == Self.held(whole.usage))
            }
        }
    }

    @Test(
        "However many subjects come, memory stays within the limit and what is given up is counted",
        arguments: baselines)
    func bound(baseline: String) throws {
        let engine = BaselineSamples.engine(BaselineSamples.rule(baseline) + Self.answer, bytes: 64 << 10)
        var largest = 0
        for portion in 0..<20 {
            let events = (0..<150).map { number in
                let name = portion * 150 + number
                return Event(
                    seconds: Int64(portion), actor: "a\(name)", value: "v\(name)",
                    ip: "10.\(name / 250).\(name % 250).1")
            }
            _ = try BaselineSamples.matches(engine, events, from: UInt64(portion * 150))
            largest = max(largest, engine.usage.bytes)
        }
        #expect(largest <= 64 << 10 && largest > 32 << 10)
        #expect(engine.usage.evictions > 1_000)
        let snapshot = engine.checkpoint(next: LeafIndex(3_000)).operators.reduce(0) { $0 + $1.bytes.count }
        #expect(snapshot <= 64 << 10)
    }

    @Test("One subject gives up its own values, and nobody else's")
    func subjectBound() throws {
        let baseline = "type: first-seen, per: actor.name, of: resource.name, learn: 0s, settled: 1000000, keep: 8"
        let engine = BaselineSamples.engine(BaselineSamples.rule(baseline))
        _ = try BaselineSamples.matches(engine, [Event(seconds: 0, actor: "ada", value: "x")])
        let before = engine.usage
        _ = try BaselineSamples.matches(
            engine, (0..<500).map { Event(seconds: Int64($0), actor: "eve", value: "v\($0)") }, from: 1)
        #expect(engine.usage.entries == before.entries + 1 && engine.usage.evictions == 492)
        #expect(engine.usage.bytes == before.bytes + Subject.byteCount + 8 * SubjectMember.byteCount)
    }

    @Test("A damaged state begins anew and says so", arguments: baselines)
    func damage(baseline: String) throws {
        let rules = BaselineSamples.rule(baseline) + Self.answer
        let engine = BaselineSamples.engine(rules)
        _ = try BaselineSamples.matches(engine, Self.stream(seed: 5, count: 40))
        let state = try #require(engine.checkpoint(next: LeafIndex(40)).operators.first)
        for bytes in [[], [9], Array(state.bytes.dropLast()), state.bytes + [0]] {
            let fresh = BaselineSamples.engine(rules)
            let damaged = DetectionCheckpoint.OperatorState(
                rule: state.rule, definition: state.definition, bytes: bytes)
            let problems = fresh.restore(DetectionCheckpoint(next: LeafIndex(40), operators: [damaged]))
            #expect(problems.map(\.code) == [.malformedState] && fresh.usage.entries == 0)
        }
    }
}
