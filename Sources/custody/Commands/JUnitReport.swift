import Detection

/// The outcome of rule tests as JUnit XML, which CI systems show: a suite for each rule file, a case for each test.
struct JUnitReport {
    private struct Case {
        let rule: String
        let outcome: RuleTestRun.Outcome
    }

    private var suites: [(file: String, cases: [Case])] = []
    private var refused: [DetectionError] = []

    mutating func add(_ outcome: RuleTestRun.Outcome, of rule: SigmaRule) {
        let entry = Case(rule: rule.title, outcome: outcome)
        if suites.last?.file == rule.file {
            suites[suites.count - 1].cases.append(entry)
        } else {
            suites.append((rule.file, [entry]))
        }
    }

    /// Rules that were refused are errors, each in a suite of its own.
    mutating func add(refused error: DetectionError) { refused.append(error) }

    var text: String {
        let cases = suites.flatMap(\.cases)
        let failures = cases.count { $0.outcome.failure != nil }
        var lines = [
            #"<?xml version="1.0" encoding="UTF-8"?>"#,
            #"<testsuites name="custody rule test" tests="\#(cases.count + refused.count)" failures="\#(failures)" errors="\#(refused.count)">"#,
        ]
        for suite in suites {
            let failed = suite.cases.count { $0.outcome.failure != nil }
            lines.append(
                #"  <testsuite name="\#(Self.escaped(suite.file))" tests="\#(suite.cases.count)" failures="\#(failed)" errors="0">"#
            )
            for entry in suite.cases { lines += Self.lines(entry) }
            lines.append("  </testsuite>")
        }
        for error in refused {
            let file = Self.escaped(error.file ?? "rule")
            lines += [
                #"  <testsuite name="\#(file)" tests="1" failures="0" errors="1">"#,
                #"    <testcase classname="\#(file)" name="loads" file="\#(file)" line="\#(error.line ?? 1)">"#,
                #"      <error type="\#(error.code.rawValue)" message="\#(Self.escaped(error.reason))"/>"#,
                "    </testcase>", "  </testsuite>",
            ]
        }
        return (lines + ["</testsuites>", ""]).joined(separator: "\n")
    }

    private static func lines(_ entry: Case) -> [String] {
        let outcome = entry.outcome
        let start =
            #"    <testcase classname="\#(escaped(entry.rule))" name="\#(escaped(outcome.test))" file="\#(escaped(outcome.file))" line="\#(outcome.line)""#
        guard let failure = outcome.failure else { return [start + "/>"] }
        return [start + ">", #"      <failure message="\#(escaped(failure))"/>"#, "    </testcase>"]
    }

    /// Text for an attribute; characters that XML 1.0 cannot hold become U+FFFD.
    private static func escaped(_ text: String) -> String {
        var output = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": output += "&amp;"
            case "<": output += "&lt;"
            case ">": output += "&gt;"
            case "\"": output += "&quot;"
            case "\t", "\n", "\r": output += "&#\(scalar.value);"
            case "\u{0}"..<" ", "\u{FFFE}", "\u{FFFF}": output += "\u{FFFD}"
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output
    }
}
