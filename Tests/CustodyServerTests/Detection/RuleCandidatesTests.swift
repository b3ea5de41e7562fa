import EventModel
import Journal
import TestSupport
import Testing

@testable import Detection
@testable import EventStore

@Suite("Which stored events a backtest reads")
struct RuleCandidatesTests {
    /// Rules and events of one small vocabulary, so that random rules match often.
    private struct Samples {
        var numbers: SealedSamples

        init(seed: UInt64) { numbers = SealedSamples(seed: seed) }

        private static let words = [
            "octocat", "OctoCat", "svc-a", "push", "repo.push", "é", "É", "x", "dead", "a b", "acme/api", "10", "9",
            "true",
            "sha256:9f2c", "10.1.2.3", "", #"a\"b"#, "2026-11-01T03:00:00Z",
        ]
        private static let names = [
            "a", "a.b", "a.b.a", "b", "n", "a.token", "A.B", "token", "actor.name", "custody.actor.name", "action",
            "artifact.digest", "api.status", "ext.k", "client.ip", "time", "custody.nosuch",
        ]
        private static let sources = [
            "category: supply_chain", "product: github, service: audit", "product: gitlab",
            "product: azure, service: activitylogs",
        ]
        private static let kinds = ["github-audit-log", "gitlab-webhook", "azure-activity-log", "custody"]
        private static let fields: [Field] = [.actorName, .action, .vcsRepo, .apiStatus, .clientIP]

        mutating func pick<Element>(_ elements: [Element]) -> Element {
            elements[numbers.number(below: elements.count)]
        }

        // MARK: Events

        mutating func record(_ row: Int) -> [UInt8] {
            var record = EventRecord()
            record.set(.received, time: Timestamp(seconds: 1_795_000_000 + Int64(row)))
            record.set(.time, time: Timestamp(seconds: 1_795_000_000 + Int64(row) * 600))
            record.set(.sourceKind, pick(Self.kinds))
            for field in Self.fields where numbers.number(below: 2) == 0 { record.set(field, pick(Self.words)) }
            for element in 0..<numbers.number(below: 3) {
                record.set(.artifactDigest, element: element, pick(Self.words))
            }
            if numbers.number(below: 4) == 0 { record.addExtension("k", pick(Self.words)) }
            var bytes: [UInt8] = []
            Array(payload().utf8).withUnsafeBytes { _ = SealedForm.append(&record, payload: $0, to: &bytes) }
            return bytes
        }

        private mutating func payload() -> String {
            switch numbers.number(below: 10) {
            case 0: return "plain text with push inside"
            case 1: return ""
            case 2: return #"[{"a":"push"}]"#
            case 3: return #"{"a.b":\#(json(1)),"a":{"b":\#(json(1))},"A":{"b":\#(json(1))}}"#
            case 4: return #"{"a":{"\#(pick(["token", #"to\u006ben"#, "Token", "b"]))":\#(json(1))},"b":"token"}"#
            case 5: return #"{"a":"\#(String(repeating: "octocat ", count: 40))","b":\#(json(2))}"#
            case 6:
                // More values than the index of paths takes of one payload.
                return #"{"n":[\#((0..<1_100).map(String.init).joined(separator: ","))],"a":\#(json(2))}"#
            default: return #"{"a":\#(json(3)),"n":\#(numbers.number(below: 20)),"b":\#(json(2))}"#
            }
        }

        private mutating func json(_ depth: Int) -> String {
            switch numbers.number(below: depth > 0 ? 9 : 6) {
            case 0: return "null"
            case 1: return pick(["true", "false", "1e1", "-0.5"])
            case 2: return "\(numbers.number(below: 20))"
            case 3, 4, 5: return "\"\(pick(Self.words))\""
            case 6, 7: return #"{"b":\#(json(depth - 1)),"a":\#(json(depth - 1))}"#
            default:
                return "[" + (0..<numbers.number(below: 3)).map { _ in json(depth - 1) }.joined(separator: ",") + "]"
            }
        }

        // MARK: Rules

        mutating func rule(_ number: Int) -> String {
            let selections = (0..<3).map {
                "  s\($0): {\(item()), \(numbers.number(below: 2) == 0 ? item() : "n|gte: 0")}"
            }
            let condition = pick([
                "s0", "s0 and s1", "s0 or s1", "s0 and not s1", "not s0", "not (s0 or not s1)",
                "not (not s0 and not s1) and s2",
                "1 of s*", "all of s*",
            ])
            return """
                title: rule \(number)
                name: r\(number)
                logsource: {\(pick(Self.sources))}
                detection:
                \(selections.joined(separator: "\n"))
                  condition: \(condition)

                """
        }

        private mutating func item() -> String {
            let name = pick(Self.names)
            let word = "'\(pick(Self.words.filter { !$0.contains("\\") }))'"
            switch numbers.number(below: 16) {
            case 0: return "'\(name)|contains': [\(word), oct]"
            case 1: return "'\(name)|startswith': \(word)"
            case 2: return "'\(name)|endswith': \(word)"
            case 3: return "'\(name)|re': '\(pick(["^oct", "a$", "[0-9]+", "^$"]))'"
            case 4: return "'\(name)|cidr': 10.0.0.0/8"
            case 5: return "'\(name)|\(pick(["gt", "lte"]))': 9"
            case 6: return "'\(name)': null"
            case 7: return "'\(name)|exists': \(pick(["true", "false"]))"
            case 8: return "'\(name)|fieldref': \(pick(Self.names))"
            case 9: return "'\(name)|neq': \(word)"
            case 10: return "'\(name)|cased': \(word)"
            case 11: return "'\(name)|hour|gte': 3"
            case 12: return "'\(name)': '*'"
            case 13: return "'\(name)|contains|all': [o, c]"
            case 14: return "'\(pick(["a", "a.b", "b"]))[\(pick(["any", "all", "none"]))]': {b: \(word)}"
            default: return "'\(name)': [\(word), '*c*t']"
            }
        }
    }

    private static func segment(_ records: [[UInt8]]) throws -> SegmentReader {
        let day = Timestamp(seconds: 1_795_000_000).day
        let writer = try SegmentWriter(partition: JournalPartition(day: day, retentionClass: 0), compressionLevel: 1)
        for (row, record) in records.enumerated() {
            try record.withUnsafeBytes {
                try writer.append(SealedView($0), index: LeafIndex(UInt64(row)), key: .none)
            }
        }
        guard let memory = try writer.finish() else { throw EventStoreError(.refused, "no rows") }
        return try SegmentReader(.memory(memory), name: "memory")
    }

    /// The rows that each rule matches, asked one by one.
    private static func matches(_ rules: RuleSet, _ records: [[UInt8]]) throws -> [String: Set<Int>] {
        let engine = DetectionEngine(rules)
        let parser = JSONParser()
        var rows: [String: Set<Int>] = [:]
        for (row, record) in records.enumerated() {
            var found: [RuleMatch] = []
            try record.withUnsafeBytes { bytes in
                let view = try SealedView(bytes)
                let index = LeafIndex(UInt64(row))
                if let payload = view.payload, payload.first == UInt8(ascii: "{") {
                    try parser.withDocument(payload) {
                        engine.evaluate(view, payload: $0, index: index, into: &found)
                    }
                } else {
                    engine.evaluate(view, payload: nil, index: index, into: &found)
                }
            }
            for match in found { rows[match.rule.key, default: []].insert(row) }
        }
        return rows
    }

    @Test("No event that a rule matches is left out, whatever the rule and the payload", arguments: 0..<6)
    func superset(seed: Int) throws {
        var samples = Samples(seed: UInt64(seed) &* 977 + 5)
        let records = (0..<400).map { samples.record($0) }
        var rules = RuleSet()
        for number in 0..<120 { rules.add(samples.rule(number), file: "r.yml") }
        #expect(rules.rules.count > 90, "\(rules.errors)")
        let segment = try Self.segment(records)
        let matches = try Self.matches(rules, records)
        #expect(matches.count > 40)
        var read = 0
        for rule in rules.rules {
            let rows = try CandidateRows(segment, RuleCandidates(rules, keys: [rule.key]).filter)
            read += rows.count
            for row in matches[rule.key] ?? [] where rows.first(from: row) != row {
                Issue.record("row \(row) is left out of \(rule.title), seed \(seed)")
            }
        }
        // It would be no help if it left nothing out.
        #expect(read < rules.rules.count * records.count / 2)
    }

    @Test("A rule on two fields reads what it matches and nothing else")
    func exactness() throws {
        var samples = Samples(seed: 3)
        let records = (0..<2_000).map { samples.record($0) }
        var rules = RuleSet()
        rules.add(
            """
            title: two columns
            logsource: {category: supply_chain}
            detection:
              s: {custody.actor.name|contains: o, custody.action|contains: a}
              condition: s
            """, file: "r.yml")
        let rows = try CandidateRows(try Self.segment(records), RuleCandidates(rules, keys: ["two columns"]).filter)
        let matches = try Self.matches(rules, records)["two columns"] ?? []
        #expect(rows.count == matches.count && rows.count > 10 && rows.count < 200)
    }

    @Test("What feeds a rule is read too, and for a baseline what other memories need")
    func feeders() throws {
        var rules = RuleSet()
        rules.add(
            """
            title: many
            correlation: {type: event_count, rules: [one], group-by: [actor.name], timespan: 1h, condition: {gte: 3}}
            ---
            title: one
            name: one
            logsource: {category: supply_chain}
            detection: {s: {custody.action: push}, condition: s}
            ---
            title: first
            level: high
            logsource: {category: supply_chain}
            detection: {s: {custody.action: x}, condition: s}
            custody: {baseline: {type: first-seen, per: custody.actor.name, of: custody.client.ip}}
            """, file: "r.yml")
        #expect(rules.errors.isEmpty, "\(rules.errors)")
        var samples = Samples(seed: 4)
        let records = (0..<800).map { samples.record($0) }
        let segment = try Self.segment(records)
        func count(_ key: String) throws -> Int {
            try CandidateRows(segment, RuleCandidates(rules, keys: [key]).filter).count
        }
        let one = try count("one")
        #expect(one > 0)
        #expect(try count("many") == one)
        #expect(try count("first") > one)
    }
}
