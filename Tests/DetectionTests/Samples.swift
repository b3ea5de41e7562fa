import EventModel

@testable import Detection

/// Events and rules for tests.
enum Samples {
    static func rules(_ text: String, file: String = "rules.yml") -> RuleSet {
        var set = RuleSet()
        set.add(text, file: file)
        return set
    }

    /// A rule with the given body of `detection`.
    static func rule(_ detection: String, source: String = "category: supply_chain", extra: String = "") -> RuleSet {
        let indented = detection.split(separator: "\n", omittingEmptySubsequences: false).map { "    " + $0 }
        return rules(
            "title: sample\nlogsource: {\(source)}\n\(extra)\ndetection:\n\(indented.joined(separator: "\n"))\n")
    }

    static func sealed(_ fields: [(Field, String)], payload: String) -> [UInt8] {
        var record = EventRecord()
        for (field, value) in fields {
            if field.type == .time, let time = Timestamp(parsing: value) {
                record.set(field, time: time)
            } else if field.isList {
                record.append(field, value)
            } else {
                record.set(field, value)
            }
        }
        var bytes: [UInt8] = []
        Array(payload.utf8).withUnsafeBytes { _ = SealedForm.append(&record, payload: $0, to: &bytes) }
        return bytes
    }

    /// What an engine finds in one event.
    static func matches(
        _ engine: DetectionEngine, _ fields: [(Field, String)], payload: String = "{}", index: UInt64 = 0
    ) throws -> [RuleMatch] {
        var matches: [RuleMatch] = []
        let bytes = sealed(fields, payload: payload)
        try JSONParser().withDocument(Array(payload.utf8)) { root in
            try bytes.withUnsafeBytes {
                engine.evaluate(try SealedView($0), payload: root, index: LeafIndex(index), into: &matches)
            }
        }
        return matches
    }

    static func match(
        _ title: String, index: UInt64, entity: String = "eve", seconds: Int64 = 0
    ) -> RuleMatch {
        let set = rules(
            "title: \(title)\nlevel: high\nlogsource: {category: supply_chain}\ndetection: {s: {a: 1}, condition: s}\n")
        return RuleMatch(
            rule: set.rules[0], index: LeafIndex(index), time: Timestamp(seconds: 1_000 + seconds), entity: entity,
            group: [("entity", entity)], explanation: ["a is \"1\""])
    }
}
