import EventModel
import EventStore
import GRDB
import Testing

@testable import Detection

@Suite("Operators with memory")
struct OperatorTests {
    private let kind = (Field.sourceKind, "github-audit-log")

    private func set(_ text: String, counting: [String: CountingDefinition]) -> RuleSet {
        var result = RuleSet()
        for var rule in Samples.rules(text).rules {
            if let definition = counting[rule.title] { rule.definition = definition }
            result.append(rule)
        }
        return result
    }

    private let text = """
        title: clones
        name: clones
        level: high
        logsource: {category: supply_chain}
        detection: {s: {action: clone}, condition: s}
        ---
        title: burst
        name: burst
        level: medium
        logsource: {category: supply_chain}
        detection: {s: {action: push}, condition: s}
        """

    private func feed(_ engine: DetectionEngine, _ actions: [String], from first: UInt64 = 0) throws -> [RuleMatch] {
        try actions.enumerated().flatMap { position, action in
            try Samples.matches(
                engine, [kind, (.actorName, "eve")], payload: #"{"action":"\#(action)","repo":"R\#(position % 2)"}"#,
                index: first + UInt64(position))
        }
    }

    @Test(
        "An operator sees what its rule matched, with fields by their own names, and its findings are the rule's matches"
    )
    func ownInput() throws {
        let engine = DetectionEngine(set(text, counting: ["burst": CountingDefinition([.itself], limit: 2)]))
        let matches = try feed(engine, ["push", "clone", "push", "push", "push"])
        #expect(matches.map(\.rule.title) == ["clones", "burst"])
        #expect(matches[1].index == LeafIndex(2) && matches[1].group.map(\.value) == ["r0"])
        #expect(engine.usage.entries == 2)
    }

    @Test("Findings go on along chains, and a rule that only feeds others raises nothing")
    func chains() throws {
        let chained =
            text + "\n---\ntitle: chain\nlogsource: {category: supply_chain}\ndetection: {s: {a: b}, condition: s}"
        let engine = DetectionEngine(
            set(
                chained,
                counting: [
                    "chain": CountingDefinition([.named("burst")], limit: 1, hides: true),
                    "burst": CountingDefinition([.itself, .named("clones")], limit: 2, hides: true),
                ]))
        let matches = try feed(engine, ["push", "push", "clone", "clone", "push"])
        #expect(matches.map(\.rule.title) == ["chain", "chain"] && matches.map(\.index.rawValue) == [2, 3])
    }

    @Test("An operator that runs last learns what other rules raised for the same event")
    func raised() throws {
        let engine = DetectionEngine(set(text, counting: ["burst": CountingDefinition([.named("clones")], limit: 1)]))
        #expect(try feed(engine, ["clone"]).last?.explanation == ["raised high"])
    }

    @Test("A state restored at any leaf goes on as if nothing had happened, and equal states are equal bytes")
    func restoring() throws {
        let rules = set(text, counting: ["burst": CountingDefinition([.itself], limit: 5)])
        let actions = (0..<40).map { $0 % 3 == 0 ? "push" : "clone" }
        let whole = DetectionEngine(rules)
        let expected = try feed(whole, actions).map(\.index)
        for cut in 0...actions.count {
            let before = DetectionEngine(rules)
            let found = try feed(before, Array(actions[..<cut])).map(\.index)
            let after = DetectionEngine(rules)
            #expect(after.restore(before.checkpoint(next: LeafIndex(UInt64(cut)))).isEmpty)
            let rest = try (cut..<actions.count).flatMap { position in
                try Samples.matches(
                    after, [kind, (.actorName, "eve")],
                    payload: #"{"action":"\#(actions[position])","repo":"R\#(position % 2)"}"#, index: UInt64(position))
            }
            #expect(found + rest.map(\.index) == expected)
            #expect(after.checkpoint(next: LeafIndex(40)) == whole.checkpoint(next: LeafIndex(40)))
        }
    }

    @Test("New rules keep the state of operators whose rule did not change")
    func reloading() throws {
        let counting = ["burst": CountingDefinition([.itself], limit: 2)]
        let engine = DetectionEngine(set(text, counting: counting))
        #expect(try feed(engine, ["push"]).isEmpty)
        engine.replace(with: set(text.replacing("level: high", with: "level: low"), counting: counting))
        #expect(try feed(engine, ["push"]).count == 1)
        engine.replace(with: set(text.replacing("level: medium", with: "level: low"), counting: counting))
        #expect(engine.usage.entries == 0)
    }

    @Test("A state that is not what was written begins anew and says so")
    func damage() throws {
        let rules = set(text, counting: ["burst": CountingDefinition([.itself], limit: 2)])
        let engine = DetectionEngine(rules)
        _ = try feed(engine, ["push"])
        let state = try #require(engine.checkpoint(next: LeafIndex(1)).operators.first)
        for bytes in [[], Array(state.bytes.dropLast()), state.bytes + [0], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF]] {
            let fresh = DetectionEngine(rules)
            let damaged = DetectionCheckpoint.OperatorState(
                rule: state.rule, definition: state.definition, bytes: bytes)
            let problems = fresh.restore(DetectionCheckpoint(next: LeafIndex(1), operators: [damaged]))
            #expect(problems.map(\.code) == [.malformedState] && fresh.usage.entries == 0)
        }
    }

    @Test("State and cursor are stored in one transaction, or neither")
    func storing() throws {
        struct Failing: AlertObserver {
            func alertsChanged(_ transitions: [AlertTransition], in db: Database) throws {
                throw DetectionError(.invalidRequest, "no")
            }
        }
        let queue = try DatabaseQueue()
        var migrator = DatabaseMigrator()
        AlertSchema.registerMigrations(in: &migrator)
        try migrator.migrate(queue)
        let now: @Sendable () -> Timestamp = { Timestamp(seconds: 5_000) }
        let checkpoint = DetectionCheckpoint(
            next: LeafIndex(4), operators: [.init(rule: "r", definition: "d", bytes: [1, 2, 3])])
        let failing = AlertStore(queue, observers: [Failing()], now: now)
        #expect(throws: DetectionError.self) {
            try failing.record([Samples.match("r", index: 3)], through: LeafIndex(4), checkpoint: checkpoint)
        }
        #expect(try failing.checkpoint() == nil && failing.cursor() == LeafIndex(0))
        let store = AlertStore(queue, now: now)
        try store.record([Samples.match("r", index: 3)], through: LeafIndex(4), checkpoint: checkpoint)
        #expect(try store.checkpoint() == checkpoint && store.cursor() == LeafIndex(4))
        try store.beginRebuild()
        #expect(try store.checkpoint() == nil)
    }

    @Test("One leaf may speak for alerts of several groups, and the same finding again changes nothing")
    func evidenceOfSeveralGroups() throws {
        let queue = try DatabaseQueue()
        var migrator = DatabaseMigrator()
        AlertSchema.registerMigrations(in: &migrator)
        try migrator.migrate(queue)
        let store = AlertStore(queue) { Timestamp(seconds: 5_000) }
        func finding(_ group: String, index: UInt64, _ evidence: [UInt64]) -> RuleMatch {
            let sample = Samples.match("r", index: index)
            return RuleMatch(
                rule: sample.rule, index: LeafIndex(index), evidence: evidence.map { LeafIndex($0) }, time: sample.time,
                entity: group, group: [("g", group)], explanation: [])
        }
        let transitions = try store.record(
            [finding("a", index: 5, [2, 5]), finding("b", index: 5, [3, 5])], through: LeafIndex(6))
        #expect(transitions.map(\.alert.count) == [2, 2])
        #expect(try store.evidence(of: transitions[1].alert.id) == [LeafIndex(3), LeafIndex(5)])
        #expect(try store.record([finding("a", index: 7, [2, 5])], through: LeafIndex(8)).isEmpty)
    }
}

/// Raises when a value of `repo` was seen `limit` times.
struct CountingDefinition: OperatorDefinition {
    let inputs: [OperatorInput]
    let limit: Int
    let hides: Bool
    var raisesInputs: Bool { !hides }
    var runsAfterCorrelations: Bool { !hides }

    init(_ rules: [OperatorInput.Rule], limit: Int, hides: Bool = false) {
        inputs = rules.map { OperatorInput($0, fields: ["repo"]) }
        self.limit = limit
        self.hides = hides
    }

    func makeOperator(limits: StateLimits) -> any StatefulOperator { CountingOperator(limit: limit) }
}

final class CountingOperator: StatefulOperator {
    private let limit: Int
    private var counts: [[UInt8]: Int] = [:]

    init(limit: Int) { self.limit = limit }

    var entryCount: Int { counts.count }
    var stateBytes: Int { counts.count * 64 }
    var evictions: Int { 0 }
    var isSaturated: Bool { false }

    func observe(_ observation: StateObservation, into findings: inout [OperatorFinding]) {
        guard let input = observation.inputs.first, let key = observation.firstFolded(of: 0, input: input) else {
            return
        }
        counts[key, default: 0] += 1
        guard counts[key] == limit else { return }
        findings.append(
            OperatorFinding(
                index: observation.index, time: observation.time,
                group: [("repo", String(decoding: key, as: UTF8.self))], evidence: [observation.index],
                explanation: observation.raised.map { ["raised \($0.rawValue)"] } ?? []))
    }

    func forgetValues(of leaves: LeafRanges) {}

    func snapshot(to encoder: inout StateEncoder) {
        encoder.write(count: counts.count)
        for (key, count) in counts.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            encoder.write(key)
            encoder.write(count: count)
        }
    }

    func restore(from decoder: inout StateDecoder) throws {
        for _ in 0..<(try decoder.readCount(bytesEach: 2)) {
            counts[try decoder.readBytes()] = Int(try decoder.readUInt64())
        }
    }
}
