import EventModel
import Intake
import Testing

@Suite("Sequences of a source's numbers")
struct SequenceTrackerTests {
    private static let start: Int64 = 1_790_000_000

    private static func moment(_ seconds: Int64) -> Timestamp { Timestamp(seconds: start + seconds) }

    private static func tracker(
        _ numbers: [Int64], every seconds: Int64 = 1
    ) -> (SequenceTracker, [SequenceTracker.Finding]) {
        var tracker = SequenceTracker(first: numbers[0], at: moment(0))
        var findings: [SequenceTracker.Finding] = []
        for (position, number) in numbers.enumerated().dropFirst() {
            findings += tracker.note(number, at: moment(Int64(position) * seconds))
        }
        return (tracker, findings)
    }

    @Test("Numbers without a hole find nothing, wherever they begin")
    func whole() {
        var (tracker, findings) = Self.tracker(Array(1_000..<1_200))
        #expect(findings.isEmpty && tracker.missing == 0 && tracker.next == 1_200)
        #expect(tracker.overdue(at: Self.moment(100_000), graceSeconds: 0).isEmpty)
    }

    @Test("A hole is told once, when its grace is over and not before")
    func grace() {
        var (tracker, findings) = Self.tracker([1, 2, 5, 6])
        #expect(findings.isEmpty && tracker.missing == 2 && tracker.hasUntold)
        #expect(tracker.overdue(at: Self.moment(2 + 300), graceSeconds: 300).isEmpty)
        #expect(tracker.overdue(at: Self.moment(2 + 301), graceSeconds: 300) == [.gap(first: 3, last: 4)])
        #expect(tracker.overdue(at: Self.moment(9_999), graceSeconds: 300).isEmpty)
        #expect(tracker.missing == 2 && !tracker.hasUntold)
    }

    @Test("Deliveries that overtake each other leave no gap")
    func overtaken() {
        let (tracker, findings) = Self.tracker([1, 4, 2, 6, 3, 5, 7])
        #expect(findings.isEmpty && tracker.missing == 0 && tracker.next == 8)
    }

    @Test("What comes after its gap was told fills it, and that is told when the last of it is there")
    func filled() {
        var (tracker, _) = Self.tracker([1, 6])
        #expect(tracker.overdue(at: Self.moment(1_000), graceSeconds: 0) == [.gap(first: 2, last: 5)])
        #expect(tracker.note(3, at: Self.moment(1_001)).isEmpty)
        #expect(tracker.missing == 3)
        #expect(tracker.note(2, at: Self.moment(1_002)) == [.filled(first: 2, last: 2)])
        #expect(tracker.note(4, at: Self.moment(1_003)).isEmpty)
        #expect(tracker.note(5, at: Self.moment(1_004)) == [.filled(first: 5, last: 5)])
        #expect(tracker.missing == 0)
    }

    @Test("Single numbers that come twice are no new beginning; three in a row are, and leave nothing untold")
    func restarted() {
        var (tracker, findings) = Self.tracker([100, 101, 102, 100, 103, 101, 104])
        #expect(findings.isEmpty)
        #expect(tracker.note(108, at: Self.moment(10)).isEmpty)
        #expect(tracker.note(1, at: Self.moment(11)).isEmpty)
        #expect(tracker.note(2, at: Self.moment(12)).isEmpty)
        #expect(
            tracker.note(3, at: Self.moment(13)) == [.gap(first: 105, last: 107), .restarted(last: 108, at: 1)])
        #expect(tracker.next == 4 && tracker.holes.isEmpty)
    }

    @Test("Holes are bounded: the oldest beyond the limit is told at once")
    func bounded() {
        var tracker = SequenceTracker(first: 0, at: Self.moment(0))
        var findings: [SequenceTracker.Finding] = []
        for step in 1...Int64(SequenceTracker.maximumHoles + 2) {
            findings += tracker.note(step * 2, at: Self.moment(step))
        }
        #expect(findings == [.gap(first: 1, last: 1), .gap(first: 3, last: 3)])
        #expect(tracker.holes.count == SequenceTracker.maximumHoles)
    }

    @Test("Numbers at the ends of their range do not overflow")
    func ends() {
        var tracker = SequenceTracker(first: .min, at: Self.moment(0))
        #expect(tracker.note(.max, at: Self.moment(1)).isEmpty)
        #expect(tracker.next == .min + 1)
        #expect(tracker.note(.max - 1, at: Self.moment(2)).isEmpty)
        #expect(tracker.missing == UInt64.max - 2)
        #expect(tracker.overdue(at: Self.moment(9), graceSeconds: 1) == [.gap(first: .min + 1, last: .max - 2)])
    }
}
