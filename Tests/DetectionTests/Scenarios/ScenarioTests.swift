import EventModel
import Foundation
import Testing

@testable import Detection

/// Twelve attacks on supply chains, as the events that their victims' systems would have sent. Names are made up.
@Suite("Attacks that happened are detected")
struct ScenarioTests {
    private static let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Fixtures/scenarios")

    static let names = [
        "circleci-2022", "codecov-2021", "event-stream-2018", "nx-s1ngularity-2025", "php-2021", "reviewdog-2025",
        "shai-hulud-2025", "solarwinds-2020", "tj-actions-2025", "ua-parser-2021", "ultralytics-2024", "xz-2024",
    ]

    /// How long an event may take from its time to the alert: its delivery takes one second here.
    private static let limit = Duration.seconds(5)

    private struct Step {
        let note: String
        let after: Int64
        let count: Int
        let every: Int64
        let source: String
        let connector: String
        let headers: [String: String]
        let body: String
        let raises: [String]

        init(_ line: Substring) throws {
            let object = try #require(
                try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line.prefix(80))")
            note = object["note"] as? String ?? ""
            after = try Self.duration(object["after"])
            count = object["count"] as? Int ?? 1
            every = try Self.duration(object["every"])
            source = try #require(object["source"] as? String)
            connector = try #require(object["connector"] as? String)
            headers = object["headers"] as? [String: String] ?? [:]
            raises = object["raises"] as? [String] ?? []
            let data = try JSONSerialization.data(
                withJSONObject: object["body"] as Any, options: [.withoutEscapingSlashes])
            body = String(decoding: data, as: UTF8.self)
        }

        private static func duration(_ value: Any?) throws -> Int64 {
            guard let text = value as? String else { return 0 }
            return try BaselineDuration.read(RuleNode(content: .scalar(.string(text)), line: 1), "after")
        }
    }

    @Test("Every scenario is there")
    func inventory() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).sorted()
        #expect(files == Self.names.map { $0 + ".ndjson" })
    }

    @Test(
        "An attack raises the alerts that are named beside its events, with the event and within seconds",
        arguments: names)
    func detection(name: String) throws {
        let text = try String(contentsOf: Self.folder.appendingPathComponent(name + ".ndjson"), encoding: .utf8)
        let stream = SourceStream(DetectionEngine(BuiltInRules.load()), at: Timestamp(seconds: 1_767_600_000))
        var hasRaised = false
        for line in text.split(separator: "\n") {
            let step = try Step(line)
            stream.pass(step.after)
            for number in 0..<step.count {
                if number > 0 { stream.pass(step.every) }
                let headers = step.headers.mapValues { stream.fill($0) }
                let index = stream.next
                let found = try stream.deliver(
                    stream.fill(step.body, number: number), connector: step.connector, source: step.source,
                    headers: headers)
                let alerts = found.filter { !$0.match.isLearning }
                for title in step.raises {
                    let alert = alerts.first { $0.match.rule.title == title }
                    #expect(
                        alert != nil, "\(step.note): \(title) is missing; raised: \(alerts.map(\.match.rule.title))")
                    guard let alert else { continue }
                    #expect(alert.delay <= Self.limit && alert.match.index == LeafIndex(index))
                }
                hasRaised = hasRaised || !step.raises.isEmpty
                // Before the attack nobody is called.
                guard !hasRaised else { continue }
                #expect(
                    alerts.allSatisfy {
                        $0.match.rule.severity < .high || $0.match.rule.title.hasPrefix("Package published by a person")
                    },
                    "\(step.note): \(alerts.map(\.match.rule.title))")
            }
        }
        #expect(hasRaised)
    }
}
