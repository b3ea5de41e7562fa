import EventModel
import Intake
import Testing

@Suite("Following sources through the ledger")
struct CompletenessTrackerTests {
    private static let keyer = DeliveryKeyer(secret: Array(repeating: 7, count: 32))
    private static let start: Int64 = 1_790_000_000

    private static func moment(_ seconds: Int64) -> Timestamp { Timestamp(seconds: start + seconds) }

    private static func expected(
        every seconds: Int64? = nil, sequence: String? = nil, partition: String? = nil, since: Int64 = 0
    ) -> CompletenessTracker.Expected {
        let sequence = sequence.flatMap { EventFieldPath($0) }.map {
            SourceExpectations.Sequence(
                field: $0, partition: partition.flatMap { EventFieldPath($0) }, graceSeconds: 300)
        }
        return .init(SourceExpectations(everySeconds: seconds, sequence: sequence), since: moment(since))
    }

    /// Has one event followed, sealed as intake seals it.
    private func note(
        _ tracker: inout CompletenessTracker, _ source: String, at seconds: Int64, time: Int64? = nil,
        payload: String = "{}"
    ) throws {
        var builder = BatchBuilder(
            origin: EventOrigin(name: source, verified: "token"), received: Self.moment(seconds), keyer: Self.keyer)
        var record = EventRecord()
        record.set(.sourceKind, "generic")
        record.set(.action, "code.push")
        if let time { record.set(.time, time: Self.moment(time)) }
        var payload = payload
        payload.withUTF8 { builder.add(&record, payload: UnsafeRawBufferPointer($0), position: 0, part: nil) }
        let batch = try builder.finish()
        try batch.bytes.withUnsafeBytes { try tracker.note(SealedView($0)) }
    }

    private func tracker(_ expected: [String: CompletenessTracker.Expected] = [:]) -> CompletenessTracker {
        var tracker = CompletenessTracker(figures: [:], ownSource: "custody")
        tracker.expect(expected)
        return tracker
    }

    @Test("Events are counted for each source, late ones and those of wrong clocks among them; our own are not")
    func counts() throws {
        var tracker = tracker()
        try note(&tracker, "a", at: 10)
        try note(&tracker, "a", at: 20, time: -1_000)
        try note(&tracker, "b", at: 30, time: 1_000)
        try note(&tracker, "custody", at: 40)
        try note(&tracker, "a", at: 50, time: 45)
        let figures = Dictionary(tracker.takeChanged().map { ($0.name, $0.figures) }) { $1 }
        #expect(figures.keys.sorted() == ["a", "b"])
        #expect(figures["a"]?.events == 3 && figures["a"]?.late == 1 && figures["a"]?.ahead == 0)
        #expect(figures["a"]?.first == Self.moment(10).rawValue && figures["a"]?.last == Self.moment(50).rawValue)
        #expect(figures["b"]?.ahead == 1)
        #expect(tracker.takeChanged().isEmpty)
    }

    @Test("A source that is silent for longer than expected is quiet once, and resumes once")
    func heartbeat() throws {
        var tracker = tracker(["a": Self.expected(every: 600)])
        try note(&tracker, "a", at: 100)
        tracker.advance(to: Self.moment(700))
        #expect(!tracker.hasFindings)
        tracker.advance(to: Self.moment(701))
        tracker.advance(to: Self.moment(2_000))
        let quiet = tracker.takeFindings()
        #expect(
            quiet.map(\.kind) == [.quiet(last: Self.moment(100).rawValue, everySeconds: 600)]
                && quiet.map(\.time) == [Self.moment(701).rawValue])
        try note(&tracker, "a", at: 3_000)
        #expect(tracker.takeFindings().map(\.kind) == [.resumed(quietSince: Self.moment(701).rawValue)])
        tracker.advance(to: Self.moment(3_601))
        #expect(tracker.takeFindings().count == 1)
    }

    @Test("A source that never sent is quiet, counted from when that was expected; one that was switched off is not")
    func neverSent() {
        var tracker = tracker(["a": Self.expected(every: 600, since: 1_000)])
        tracker.advance(to: Self.moment(1_600))
        #expect(!tracker.hasFindings)
        tracker.advance(to: Self.moment(1_601))
        #expect(tracker.takeFindings().map(\.kind) == [.quiet(last: nil, everySeconds: 600)])
        tracker.expect([:])
        #expect(tracker.takeChanged().allSatisfy { !$0.figures.isQuiet })
        tracker.advance(to: Self.moment(100_000))
        #expect(!tracker.hasFindings)
    }

    @Test("While the server was down nobody was silent")
    func downtime() throws {
        var tracker = tracker(["a": Self.expected(every: 600)])
        try note(&tracker, "a", at: 0)
        tracker.wasDown(from: Self.moment(100), to: Self.moment(10_000))
        tracker.advance(to: Self.moment(10_400))
        #expect(!tracker.hasFindings)
        tracker.advance(to: Self.moment(10_501))
        #expect(tracker.takeFindings().count == 1)
    }

    @Test("Each partition of a sequence is followed by itself, wherever number and partition stand")
    func partitions() throws {
        var tracker = tracker(["a": Self.expected(sequence: "raw.meta.seq", partition: "raw.meta.shard")])
        for (shard, number) in [("x", 1), ("y", 50), ("x", 2), ("y", 51), ("y", 54), ("x", 3)] {
            try note(
                &tracker, "a", at: Int64(number),
                payload: "{\"meta\":{\"seq\":\(number),\"shard\":\"\(shard)\"}}")
        }
        try note(&tracker, "a", at: 60, payload: "{\"meta\":{\"shard\":\"x\"}}")
        try note(&tracker, "b", at: 61, payload: "{\"meta\":{\"seq\":900}}")
        tracker.advance(to: Self.moment(10_000))
        #expect(tracker.takeFindings().map(\.kind) == [.gap(partition: "y", first: 52, last: 53)])
        let figures = try #require(tracker.takeChanged().first { $0.name == "a" }?.figures)
        #expect(figures.gaps == 1 && figures.missing == 2 && figures.missingNow == 2 && figures.unnumbered == 1)
        #expect(figures.sequences.keys.sorted() == ["x", "y"])
    }

    @Test("Numbers that are texts count, too")
    func texts() throws {
        var tracker = tracker(["a": Self.expected(sequence: "raw.seq")])
        try note(&tracker, "a", at: 1, payload: "{\"seq\":\"7\"}")
        try note(&tracker, "a", at: 2, payload: "{\"seq\":\"9\"}")
        tracker.advance(to: Self.moment(1_000))
        #expect(tracker.takeFindings().map(\.kind) == [.gap(partition: "", first: 8, last: 8)])
    }

    @Test("Going on from what was kept finds what going on without a break finds")
    func resumable() throws {
        let expected = ["a": Self.expected(every: 600, sequence: "raw.seq")]
        let numbers: [Int64] = [1, 2, 5, 3, 9, 10, 1, 2, 3, 4]
        func run(breakingAt cut: Int?) throws -> [CompletenessFinding] {
            var tracker = tracker(expected)
            var findings: [CompletenessFinding] = []
            var kept: [String: SourceTally] = [:]
            for (position, number) in numbers.enumerated() {
                try note(&tracker, "a", at: Int64(position) * 400, payload: "{\"seq\":\(number)}")
                tracker.advance(to: tracker.time)
                for (name, figures) in tracker.takeChanged() { kept[name] = figures }
                findings += tracker.takeFindings()
                if position == cut {
                    tracker = CompletenessTracker(figures: kept, ownSource: "custody")
                    tracker.expect(expected)
                }
            }
            return findings
        }
        let whole = try run(breakingAt: nil)
        #expect(whole.count >= 3)
        for cut in numbers.indices { #expect(try run(breakingAt: cut) == whole) }
        #expect(Set(whole.map(\.id)).count == whole.count)
    }

    @Test("Partitions are bounded: the one that has been still for longest is forgotten")
    func bounded() throws {
        var tracker = tracker(["a": Self.expected(sequence: "raw.n", partition: "raw.p")])
        for partition in 0...SourceTally.maximumSequences {
            try note(&tracker, "a", at: Int64(partition), payload: "{\"n\":1,\"p\":\"\(partition)\"}")
        }
        let figures = try #require(tracker.takeChanged().first?.figures)
        #expect(figures.sequences.count == SourceTally.maximumSequences)
        #expect(figures.sequences["0"] == nil && figures.sequences["1"] != nil)
    }
}
