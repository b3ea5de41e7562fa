import ArgumentParser
import Detection
import Foundation

/// `custody rule test`.
struct RuleTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Run the tests that rules carry; needs no server.",
        discussion: """
            Without a file, the rules that come with Custody are tested. Exit status 1: a test failed; 65: a rule was \
            refused, as FILE:LINE: reason.

            Example:
              custody rule test rules/
            """)

    @Argument(help: ArgumentHelp("Rule files, or directories of them.", valueName: "file|dir"))
    var paths: [String] = []
    @Option(help: ArgumentHelp("Write the outcome as JUnit XML, too.", valueName: "file")) var junit: String?
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let console = CommandContext.current.console
        var report = JUnitReport()
        let set: RuleSet
        do {
            set =
                paths.isEmpty
                ? BuiltInRules.load() : try RuleFiles.load(paths, console, onRefusal: { report.add(refused: $0) })
        } catch {
            try write(report)
            throw error
        }
        var failed = 0
        var passed = 0
        for rule in set.rules {
            let outcomes = RuleTestRun.run(rule, in: set)
            if outcomes.isEmpty { console.note("note: \(rule.file):\(rule.line): \(rule.title) has no tests") }
            for outcome in outcomes {
                report.add(outcome, of: rule)
                if outcome.failure == nil { passed += 1 } else { failed += 1 }
                try write(outcome, rule, console)
            }
        }
        try write(report)
        console.note("\(set.rules.count) rules, \(passed + failed) tests, \(failed) failed")
        guard failed == 0 else { throw CommandFailure(.nothingFound, nil) }
    }

    private func write(_ report: JUnitReport) throws {
        guard let junit else { return }
        do {
            try report.text.write(toFile: junit, atomically: true, encoding: .utf8)
        } catch {
            throw CommandFailure(.refused, "\(junit): cannot be written")
        }
    }

    private func write(_ outcome: RuleTestRun.Outcome, _ rule: SigmaRule, _ console: Console) throws {
        guard output.json else {
            let verdict = outcome.failure.map { "FAILED: \($0)" } ?? "ok"
            return try console.line(
                VisibleText.of("\(outcome.file):\(outcome.line): \(rule.title): \(outcome.test): \(verdict)"))
        }
        var line = JSONObject()
        line.add("rule", outcome.rule)
        line.add("test", outcome.test)
        line.add("passed", outcome.failure == nil)
        line.add("reason", outcome.failure)
        line.add("file", outcome.file)
        line.add("line", outcome.line)
        try console.writeOutput(line.line)
    }
}
