import EventModel
import Foundation
import Testing

@testable import Detection

@Suite("Sigma conformance", .enabled(if: ConformanceData.isPresent))
struct OracleTests {
    @Test(
        "Every oracle case has its verdict",
        arguments: ["oracle.jsonl", "oracle_real.jsonl", "oracle_regression.jsonl"])
    func verdicts(file: String) throws {
        var failures: [String] = []
        let lines = try ConformanceData.lines(file)
        for line in lines {
            let entry = try ConformanceData.object(line)
            let id = entry["id"] as? String ?? ""
            var set = RuleSet()
            set.add(
                try #require(entry["rule_yaml"] as? String), file: id,
                variables: entry["vars"] as? [String: [String]] ?? [:])
            guard set.errors.isEmpty else {
                failures.append("\(id): refused: \(set.errors[0].reason)")
                continue
            }
            let event = try #require(ConformanceData.member("event", of: line))
            let result = event.withUnsafeBytes { EventFileMatcher(set).match($0, ignoreLogsource: true) }
            guard result.unreadable.isEmpty else {
                failures.append("\(id): event: \(result.unreadable[0].reason)")
                continue
            }
            let expected = entry["expected"] as? Bool
            if !result.matches.isEmpty != expected { failures.append("\(id): expected \(expected ?? false)") }
        }
        #expect(
            failures.isEmpty,
            "\(file): \(lines.count - failures.count) of \(lines.count) right\n\(failures.joined(separator: "\n"))")
    }

    @Test("Every invalid rule is refused with a reason and a line")
    func invalidRules() throws {
        for line in try ConformanceData.lines("oracle_invalid.jsonl") {
            let entry = try ConformanceData.object(line)
            var set = RuleSet()
            set.add(try #require(entry["rule_yaml"] as? String), file: "rule.yml")
            let error = try #require(set.errors.first, "\(entry["id"] ?? "") was accepted: \(entry["reason"] ?? "")")
            #expect(error.line != nil && !error.reason.isEmpty)
        }
    }

    @Test("Strings and expansions have the parts of the tables")
    func tables() throws {
        for line in try ConformanceData.lines("oracle_tables.jsonl") {
            let entry = try ConformanceData.object(line)
            let value = try #require(entry["value"] as? String)
            let id = entry["id"] as? String ?? ""
            if entry["kind"] as? String == "string" {
                let expected = try #require(entry["parts"] as? [Any])
                #expect(SigmaPattern(parsing: value).parts == parts(expected), "\(id)")
            } else {
                let expected = try #require(entry["parts"] as? [[Any]]).map(parts)
                var patterns = [SigmaPattern(parsing: value)]
                for name in try #require(entry["modifiers"] as? String).split(separator: "|") {
                    let transform = try #require(ValueTransform(rawValue: String(name)))
                    patterns = try patterns.flatMap(transform.apply)
                }
                #expect(patterns.map(\.parts) == expected, "\(id)")
            }
        }
    }

    private func parts(_ json: [Any]) -> [SigmaPattern.Part] {
        json.map { part in
            if let text = part as? String { return .literal(Array(text.utf8)) }
            return (part as? [String: String])?["wildcard"] == "*" ? .any : .one
        }
    }

    @Test("All published rules of our domain load, but for those whose placeholders nobody filled")
    func publishedRules() throws {
        let set = try RuleSet.load(ConformanceData.root.appendingPathComponent("sigmahq"))
        #expect(set.rules.count > 200)
        #expect(set.errors.filter { !$0.reason.contains("has no values") }.isEmpty)
        // Refused, each with its place.
        #expect(set.errors.allSatisfy { $0.file != nil && $0.line != nil })
    }

    @Test("A document that is refused does not take the thousands beside it with it")
    func largeFiles() throws {
        let set = try RuleSet.load(ConformanceData.root.appendingPathComponent("sigmahq_other"))
        #expect(set.rules.count > 3_300)
        let reasons = Set(set.errors.filter { !$0.reason.contains("has no values") }.map(\.reason))
        // One published rule asks for a number inside text.
        #expect(reasons.isSubset(of: ["the modifier `contains` needs text"]))
    }
}
