import EventModel
import Testing

@testable import Detection

@Suite("A quiet month")
struct QuietMonthTests {
    @Test("Ordinary work raises at most five alerts of severity high, and none that is critical")
    func quiet() throws {
        let stream = SourceStream(DetectionEngine(BuiltInRules.load()), at: Timestamp(seconds: 1_767_571_200))
        var month = QuietMonth(seed: 2026)
        var alerts: [Severity: Set<String>] = [:]
        for day in 0..<QuietMonth.days {
            for _ in 0..<(day % 7 >= 5 ? QuietMonth.perDay.rest : QuietMonth.perDay.work) {
                let (delivery, after) = month.next(day: day)
                stream.pass(after)
                let found = try stream.deliver(
                    stream.fill(delivery.body), connector: delivery.connector, source: delivery.source,
                    headers: delivery.headers.mapValues { stream.fill($0) })
                for match in found.map(\.match) where !match.isLearning {
                    let group = match.group.map { "\($0.name)=\($0.value)" }.joined(separator: ", ")
                    alerts[match.rule.severity, default: []].insert("\(match.rule.title) [\(group)]")
                }
            }
        }
        let counts = Severity.allCases.reversed().map { "\(alerts[$0, default: []].count) \($0.rawValue)" }
        print("quiet month: \(stream.next) events, alerts: \(counts.joined(separator: ", "))")
        #expect(stream.next > 5_000)
        #expect(alerts[.critical, default: []].isEmpty, "\(alerts[.critical, default: []].sorted())")
        #expect(alerts[.high, default: []].count <= 5, "\(alerts[.high, default: []].sorted())")
        // Enough to read in a week, not enough to stop reading.
        #expect(alerts[.medium, default: []].count <= 60, "\(alerts[.medium, default: []].sorted())")
    }
}
