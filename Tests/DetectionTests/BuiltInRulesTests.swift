import Foundation
import Testing

@testable import Detection

@Suite("The rules that come with Custody")
struct BuiltInRulesTests {
    private static let set = BuiltInRules.load()

    @Test("Every file of the folder is registered and embedded as it is")
    func registration() throws {
        let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Sources/Detection/Rules")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(names == BuiltInRules.files.map(\.name).sorted())
        for file in BuiltInRules.files {
            #expect(try Data(contentsOf: folder.appendingPathComponent(file.name)) == Data(file.text))
        }
    }

    @Test("None is refused, dormant or without id, runbook, tags and false positives")
    func completeness() {
        #expect(Self.set.errors.isEmpty && Self.set.warnings.isEmpty)
        #expect(Self.set.rules.count >= 10)
        for rule in Self.set.rules {
            #expect(rule.id != nil && rule.extensions.runbook != nil, "\(rule.title)")
            #expect(!rule.route.isDormant && !rule.tags.isEmpty && !rule.falsePositives.isEmpty, "\(rule.title)")
            #expect(rule.extensions.tests.contains { $0.isMatch } && rule.extensions.tests.contains { !$0.isMatch })
        }
    }

    @Test("Every rule passes its own tests", arguments: set.rules.map(\.title))
    func ownTests(title: String) throws {
        let rule = try #require(Self.set.rules.first { $0.title == title })
        for outcome in RuleTestRun.run(rule, in: Self.set) {
            #expect(outcome.failure == nil, "\(rule.file):\(outcome.line) \(outcome.test): \(outcome.failure ?? "")")
        }
    }
}
