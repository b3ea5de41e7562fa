import Foundation

@testable import Detection

/// The page of the rules that come with Custody, `docs/rule-pack.md`.
enum RulePackPage {
    private static let areas: [(title: String, prefixes: [String])] = [
        ("Source control", ["github-", "gitlab-"]),
        ("Build systems", ["ci-"]),
        ("Dependencies and packages", ["dependency-", "package-"]),
        ("Registries", ["registry-", "ecr-", "image-"]),
        ("Deployment", ["kubernetes-", "argocd-"]),
        ("Cloud identity, secrets and evidence", ["aws-", "cloudtrail-", "vault-", "credential-"]),
        ("What is unusual, and what does not happen", ["baseline-", "missing-", "protection-"]),
        ("Sequences", ["correlation-"]),
        ("Custody itself", ["custody-"]),
    ]

    static func text(_ rules: [SigmaRule]) -> String {
        var lines = [
            "# The rules that come with Custody", "",
            "\(rules.count) rules, each in a file of its own: the name leads there. A file holds the conditions, what looks like it and is",
            "harmless, tests, and the runbook: what to do at three in the morning, with the searches to run. An alert carries the runbook,",
            "too. T numbers are techniques of [ATT&CK](https://attack.mitre.org), letters the [threats of SLSA](https://slsa.dev/spec/v1.2/threats).",
            "How rules are written is in [rules.md](rules.md). A test keeps this page as the rules are.",
        ]
        for area in areas {
            let members = rules.filter { rule in area.prefixes.contains { name(rule).hasPrefix($0) } }
            lines += ["", "## \(area.title)", "", "| rule | severity | tags | what it sees |", "|---|---|---|---|"]
            for rule in members.sorted(by: { ($1.severity, $0.title) < ($0.severity, $1.title) }) {
                let description = (rule.description ?? "").split(separator: "\n").joined(separator: " ")
                    .trimmingCharacters(in: .whitespaces).replacing("|", with: "\\|")
                lines.append(
                    "| [\(rule.title)](../Sources/Detection/Rules/\(name(rule))) | \(rule.severity.rawValue) | \(tags(rule)) | \(description) |"
                )
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Techniques and threats, as people name them.
    private static func tags(_ rule: SigmaRule) -> String {
        rule.tags.compactMap { tag in
            if tag.hasPrefix("attack.t"), tag.contains(where: \.isNumber) { return tag.dropFirst(7).uppercased() }
            guard tag.hasPrefix("slsa.threat-") else { return nil }
            let threat = tag.dropFirst(12)
            return threat.count == 1 ? "SLSA \(threat.uppercased())" : "SLSA \(threat)"
        }.joined(separator: ", ")
    }

    /// Rules that no area takes.
    static func strays(_ rules: [SigmaRule]) -> [String] {
        rules.map(name).filter { file in !areas.contains { $0.prefixes.contains { file.hasPrefix($0) } } }
    }

    static func name(_ rule: SigmaRule) -> String { URL(fileURLWithPath: rule.file).lastPathComponent }
}
