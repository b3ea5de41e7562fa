import EventModel

/// Runs the tests that a rule carries (`custody.tests`).
package enum RuleTestRun {
    package struct Outcome: Sendable {
        package let rule: String
        package let test: String
        /// Nil when the rule said what the test expects.
        package let failure: String?
        package let file: String
        package let line: Int
    }

    /// When the first event of a test happens, unless it says so itself: a Monday morning.
    private static let start = Timestamp(seconds: 1_767_600_000)

    /// Runs all tests of a rule, each by itself and from an empty memory: whatever the log source, canonical fields as the
    /// test gives them.
    ///
    /// - Parameter set: Where the rules are that this one refers to; it alone when nil.
    package static func run(_ rule: SigmaRule, in set: RuleSet? = nil) -> [Outcome] {
        let rules = ruleSet(rule, in: set)
        let shared = DetectionEngine(rules)
        return rule.extensions.tests.map { test in
            Outcome(
                rule: rule.key, test: test.name,
                failure: failure(of: test, rule, shared.hasState ? DetectionEngine(rules) : shared), file: rule.file,
                line: test.line)
        }
    }

    /// The rule with those that it refers to.
    private static func ruleSet(_ rule: SigmaRule, in set: RuleSet?) -> RuleSet {
        var result = RuleSet()
        guard rule.definition != nil, let all = set?.rules else {
            result.append(rule)
            return result
        }
        let names = RuleReferences(all)
        var needed: Set<Int> = []
        var waiting = all.indices.filter { all[$0].key == rule.key }
        while let number = waiting.popLast() {
            guard needed.insert(number).inserted else { continue }
            for input in all[number].definition?.inputs ?? [] {
                if let other = names.number(of: input.rule, in: number) { waiting.append(other) }
            }
        }
        for number in needed.sorted() { result.append(all[number]) }
        return result
    }

    private static func failure(
        of test: CustodyExtensions.Test, _ rule: SigmaRule, _ engine: DetectionEngine
    ) -> String? {
        do {
            var matches: [RuleMatch] = []
            var time = start
            var index: UInt64 = 0
            for event in test.events {
                time = time.advanced(byNanoseconds: event.after)
                for number in 0..<event.count {
                    if number > 0 { time = time.advanced(byNanoseconds: event.every) }
                    try judge(event, number, time, LeafIndex(index), engine, &matches)
                    index += 1
                }
            }
            if test.wait > 0 {
                engine.advance(to: time.advanced(byNanoseconds: test.wait), next: LeafIndex(index), into: &matches)
            }
            // What a baseline finds while it learns calls nobody.
            let isMatched = matches.contains { $0.rule.key == rule.key && !$0.isLearning }
            if isMatched == test.isMatch { return nil }
            return test.isMatch ? "expected a match, found none" : "expected no match, found one"
        } catch {
            return "the test's event cannot be read: \(error)"
        }
    }

    private static func judge(
        _ event: CustodyExtensions.Test.Event, _ number: Int, _ time: Timestamp, _ index: LeafIndex,
        _ engine: DetectionEngine, _ matches: inout [RuleMatch]
    ) throws {
        let payload =
            event.count == 1
            ? event.payload : Array(numbered(String(decoding: event.payload, as: UTF8.self), number).utf8)
        var own: Timestamp?
        let sealed = sealed(event, payload, number, time, &own)
        try JSONParser().withDocument(payload) { json in
            try sealed.withUnsafeBytes { bytes in
                engine.evaluateIgnoringSource(
                    payload: json, view: try SealedView(bytes), time: own ?? time, index: index, into: &matches)
            }
        }
    }

    private static func numbered(_ text: String, _ number: Int) -> String {
        text.replacing("{n}", with: String(number))
    }

    /// - Parameter own: The time that the event itself gives, if it does.
    private static func sealed(
        _ event: CustodyExtensions.Test.Event, _ payload: [UInt8], _ number: Int, _ time: Timestamp,
        _ own: inout Timestamp?
    ) -> [UInt8] {
        var record = EventRecord()
        record.set(.time, time: time)
        for (field, values) in event.fields {
            for (element, value) in values.enumerated() {
                if field.type == .time {
                    guard let given = Timestamp(parsing: value) else { continue }
                    record.set(field, time: given)
                    if field == .time { own = given }
                } else {
                    record.set(field, element: element, event.count == 1 ? value : numbered(value, number))
                }
            }
        }
        var sealed: [UInt8] = []
        payload.withUnsafeBytes { payload in
            _ = SealedForm.append(&record, payload: payload, to: &sealed)
        }
        return sealed
    }
}
