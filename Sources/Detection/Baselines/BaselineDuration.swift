/// Durations as baselines and tests write them: `30s`, `15m`, `24h`, `14d`, `2w`.
enum BaselineDuration {
    static let day: Int64 = 86_400_000_000_000
    private static let units: [Character: Int64] = [
        "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000, "d": day, "w": 7 * day,
    ]
    /// Ten years: within what nanoseconds can count.
    private static let maximum = 3_650 * day

    /// Nanoseconds.
    static func read(_ node: RuleNode, _ key: String) throws -> Int64 {
        guard let text = node.text, let unit = text.last.flatMap({ units[$0] }),
            text.dropLast().utf8.allSatisfy({ $0 &- 0x30 < 10 }), let number = Int64(text.dropLast())
        else {
            throw DetectionError(
                .invalidRule, "`\(key)` is a number with a unit of s, m, h, d or w", line: node.line)
        }
        let (value, overflow) = number.multipliedReportingOverflow(by: unit)
        guard !overflow, value <= maximum else {
            throw DetectionError(.invalidRule, "`\(key)` is longer than ten years", line: node.line)
        }
        return value
    }
}
