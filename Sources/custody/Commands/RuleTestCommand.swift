import ArgumentParser
import Detection

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
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let console = CommandContext.current.console
        let set = paths.isEmpty ? BuiltInRules.load() : try RuleFiles.load(paths, console)
        var failed = 0
        var passed = 0
        for rule in set.rules {
            let outcomes = RuleTestRun.run(rule)
            if outcomes.isEmpty { console.note("note: \(rule.file):\(rule.line): \(rule.title) has no tests") }
            for outcome in outcomes {
                if outcome.failure == nil { passed += 1 } else { failed += 1 }
                try write(outcome, rule, console)
            }
        }
        console.note("\(set.rules.count) rules, \(passed + failed) tests, \(failed) failed")
        guard failed == 0 else { throw CommandFailure(.nothingFound, nil) }
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
