import EventModel
import Foundation
import QueryLanguage
import Testing

@testable import Detection

@Suite("The rule pack")
struct RulePackTests {
    private static let rules = BuiltInRules.load().rules
    private static let page = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("docs/rule-pack.md")

    @Test("There are more than sixty, each with a title and an id of its own")
    func size() {
        #expect(Self.rules.count >= 60)
        #expect(Set(Self.rules.map(\.title)).count == Self.rules.count)
        #expect(Set(Self.rules.compactMap(\.id)).count == Self.rules.count)
    }

    @Test("Each names a technique of ATT&CK and a threat of SLSA")
    func tags() throws {
        let technique = try Regex(#"attack\.t\d{4}(\.\d{3})?"#)
        let threat = try Regex(#"slsa\.threat-([a-i]|verification)"#)
        for rule in Self.rules {
            #expect(rule.tags.contains { $0.wholeMatch(of: technique) != nil }, "\(rule.title)")
            #expect(rule.tags.contains { $0.wholeMatch(of: threat) != nil }, "\(rule.title)")
            #expect(
                rule.tags.allSatisfy {
                    !$0.hasPrefix("attack.t") || $0.wholeMatch(of: technique) != nil || !$0.contains { $0.isNumber }
                }, "\(rule.title)")
        }
    }

    @Test("Each tells what to do, with searches that Custody understands")
    func runbooks() throws {
        for rule in Self.rules {
            let runbook = try #require(rule.extensions.runbook, "\(rule.title)")
            let queries = runbook.components(separatedBy: "custody search '").dropFirst().map {
                String($0.prefix { $0 != "'" })
            }
            #expect(!queries.isEmpty, "\(rule.title)")
            for query in queries {
                // What the reader puts in from the alert stands in capitals.
                let filled = query.replacing("ip:IP", with: "ip:192.0.2.7").replacing(
                    "ip:NETWORK", with: "ip:192.0.2.0/24"
                )
                .replacing("index:INDEX", with: "index:7")
                #expect(throws: Never.self, "\(rule.title): \(query)") {
                    _ = try Query(parsing: filled, now: Timestamp(seconds: 1_767_600_000))
                }
            }
        }
    }

    @Test("Severities are not all high: what calls people at night is the smaller part")
    func severities() {
        let loud = Self.rules.count { $0.severity >= .high }
        #expect(loud < Self.rules.count * 2 / 3)
    }

    @Test("docs/rule-pack.md tells of the rules as they are (CUSTODY_WRITE_PAGES=1 writes it)")
    func page() throws {
        let text = RulePackPage.text(Self.rules)
        if ProcessInfo.processInfo.environment["CUSTODY_WRITE_PAGES"] == "1" {
            try text.write(to: Self.page, atomically: true, encoding: .utf8)
        }
        #expect(RulePackPage.strays(Self.rules).isEmpty)
        #expect(try String(contentsOf: Self.page, encoding: .utf8) == text)
    }
}
