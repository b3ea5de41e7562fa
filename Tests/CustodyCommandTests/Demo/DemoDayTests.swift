import Connectors
import Detection
import EventModel
import Testing

@testable import custody

@Suite("The day that `custody demo` plays")
struct DemoDayTests {
    private static let end = Timestamp(seconds: 1_796_000_000)

    @Test("The same seed and moment give the same day, another seed another")
    func isDeterministic() {
        let day = DemoDay(seed: 1, endingAt: Self.end).events
        #expect(day == DemoDay(seed: 1, endingAt: Self.end).events)
        #expect(day != DemoDay(seed: 2, endingAt: Self.end).events)
        #expect((3_000...6_000).contains(day.count))
    }

    @Test("Events are in order and lie in the 24 hours before its end")
    func isInOrder() {
        let times = DemoDay(endingAt: Self.end).events.map(\.time)
        #expect(times == times.sorted())
        #expect(times.allSatisfy { $0 > Self.end.advanced(byNanoseconds: -86_400_000_000_000) && $0 <= Self.end })
    }

    @Test("Every event is recognised by the connector of its system, with its own time")
    func isRecognised() throws {
        for event in DemoDay(endingAt: Self.end).events {
            try Self.read(event) { record, connector, _ in
                #expect(connector == event.source.connector, "\(event.body)")
                #expect(record.time(.time)?.seconds == event.time.seconds, "\(event.body)")
                #expect(record.text(.actorName) != nil, "\(event.body)")
            }
        }
    }

    @Test("The quiet day raises nothing of severity high or critical")
    func quietDayIsQuiet() throws {
        for match in try Self.matches(QuietDay(seed: 2025, endingAt: Self.end).events) {
            #expect(!["high", "critical"].contains(match.severity), "\(match.title)")
        }
    }

    @Test("The attack raises every rule that it names, and a critical one")
    func attackIsSeen() throws {
        let matches = try Self.matches(DemoAttack(endingAt: Self.end).events)
        #expect(Set(DemoAttack.rules).subtracting(matches.map(\.title)) == [])
        #expect(matches.contains { $0.severity == "critical" })
    }

    private static func matches(_ events: [DemoEvent]) throws -> [(title: String, severity: String)] {
        let engine = DetectionEngine(BuiltInRules.load())
        var matches: [RuleMatch] = []
        for event in events {
            try read(event) { record, _, payload in
                var sealed: [UInt8] = []
                _ = SealedForm.append(&record, payload: payload, to: &sealed)
                try JSONParser().withDocument(payload) { root in
                    try sealed.withUnsafeBytes {
                        engine.evaluate(try SealedView($0), payload: root, index: LeafIndex(0), into: &matches)
                    }
                }
            }
        }
        return matches.map { ($0.rule.title, $0.rule.severity.rawValue) }
    }

    /// Reads an event as intake does; it has to be exactly one.
    private static func read(
        _ event: DemoEvent, _ body: (inout EventRecord, String, UnsafeRawBufferPointer) throws -> Void
    ) throws {
        var count = 0
        try Array(event.body.utf8).withUnsafeBytes { bytes in
            try DeliveryReader().read(
                bytes, headers: DeliveryHeaders(), connector: nil,
                onEvent: { record, part in
                    count += 1
                    try body(&record, part.connector.name, part.payload)
                }, onRefusal: { Issue.record("refused: \($0.error)") })
        }
        #expect(count == 1)
    }
}
