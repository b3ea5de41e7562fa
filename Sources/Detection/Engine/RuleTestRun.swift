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

    /// Runs all tests of a rule, each by itself: whatever the log source, canonical fields as the test gives them.
    package static func run(_ rule: SigmaRule) -> [Outcome] {
        var set = RuleSet()
        set.append(rule)
        let engine = DetectionEngine(set)
        return rule.extensions.tests.map { test in
            Outcome(
                rule: rule.key, test: test.name, failure: failure(of: test, engine), file: rule.file, line: test.line)
        }
    }

    private static func failure(of test: CustodyExtensions.Test, _ engine: DetectionEngine) -> String? {
        do {
            var matches: [RuleMatch] = []
            let sealed = sealed(test)
            try JSONParser().withDocument(test.payload) { payload in
                try sealed.withUnsafeBytes { bytes in
                    let view = try SealedView(bytes)
                    engine.evaluateIgnoringSource(payload: payload, view: view, index: LeafIndex(0), into: &matches)
                }
            }
            if matches.isEmpty != test.isMatch { return nil }
            return test.isMatch ? "expected a match, found none" : "expected no match, found one"
        } catch {
            return "the test's event cannot be read: \(error)"
        }
    }

    private static func sealed(_ test: CustodyExtensions.Test) -> [UInt8] {
        var record = EventRecord()
        for (field, values) in test.fields {
            for (element, value) in values.enumerated() {
                if field.type == .time {
                    if let time = Timestamp(parsing: value) { record.set(field, time: time) }
                } else {
                    record.set(field, element: element, value)
                }
            }
        }
        var sealed: [UInt8] = []
        test.payload.withUnsafeBytes { payload in
            _ = SealedForm.append(&record, payload: payload, to: &sealed)
        }
        return sealed
    }
}
