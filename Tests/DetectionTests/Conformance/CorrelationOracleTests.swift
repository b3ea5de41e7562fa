import EventModel
import Foundation
import Testing

@testable import Detection

@Suite("Sigma conformance of correlations", .enabled(if: ConformanceData.isPresent))
struct CorrelationOracleTests {
    @Test("Every correlation of the oracle fires for the same groups at the same times")
    func verdicts() throws {
        var failures: [String] = []
        let lines = try ConformanceData.lines("oracle_correlation.jsonl")
        for line in lines {
            let entry = try ConformanceData.object(line)
            let id = entry["id"] as? String ?? ""
            var set = RuleSet()
            set.add(try #require(entry["rule_yaml"] as? String), file: id)
            guard set.errors.isEmpty else {
                failures.append("\(id): refused: \(set.errors[0].reason)")
                continue
            }
            let events = try #require(entry["events"] as? [[String: Any]])
            let file = try events.map { try JSONSerialization.data(withJSONObject: $0) }.joined(separator: [0x0A])
            let result = Array(file).withUnsafeBytes { EventFileMatcher(set).match($0, ignoreLogsource: true) }
            let expected = try #require(entry["expected"] as? [String: Any])
            let met = try #require(expected["conditions_met"] as? [[String: Any]]).map(Self.text)
            let found = result.matches.compactMap(\.finding).map {
                "\($0.group.map { $0.lowercased() }) \($0.time.text)"
            }
            if Set(met) != Set(found) { failures.append("\(id): expected \(met), found \(found)") }
            if result.matches.contains(where: { $0.finding == nil }) {
                failures.append("\(id): a rule of it was raised")
            }
        }
        #expect(
            failures.isEmpty,
            "\(lines.count - failures.count) of \(lines.count) right\n\(failures.joined(separator: "\n"))")
    }

    private static func text(_ met: [String: Any]) -> String {
        let group = (met["group"] as? [Any] ?? []).map { "\($0)".lowercased() }
        return "\(group) \(met["time"] as? String ?? "")"
    }
}
