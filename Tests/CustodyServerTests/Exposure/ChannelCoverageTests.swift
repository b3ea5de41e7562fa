import Detection
import EventModel
import Testing

@testable import CustodyServer

@Suite("What the events of a channel cover")
struct ChannelCoverageTests {
    private static let start = Timestamp(parsing: "2025-03-10T00:00:00Z")!

    private static func hours(_ hours: Int64) -> Timestamp { start.advanced(byNanoseconds: hours * 3_600_000_000_000) }

    private static func gaps(_ length: Int64, _ buckets: [Int64]) -> [ClosedRange<Int64>] {
        let window = KnownIncident.Window(from: start, until: hours(length))
        return ChannelCoverage.gaps(in: window, buckets: buckets.map(hours)).map { gap in
            func number(_ time: Timestamp) -> Int64 { (time.seconds - start.seconds) / 3_600 }
            return number(gap.from)...number(gap.until)
        }
    }

    @Test("A short window is covered by events on both sides within a day, and by none of one side alone")
    func short() {
        #expect(Self.gaps(2, [-10, 12]).isEmpty)
        #expect(Self.gaps(2, [-10]) == [0...2])
        #expect(Self.gaps(2, [12]) == [0...2])
        #expect(Self.gaps(2, []) == [0...2])
        #expect(Self.gaps(2, [-20, 6]) == [0...2])
        #expect(Self.gaps(2, [1]).isEmpty == false)
    }

    @Test("A day of silence inside is a gap, in windows of weeks a long weekend is none")
    func silence() {
        #expect(Self.gaps(72, [-1, 10, 20, 30, 60, 71, 73]) == [31...60])
        #expect(Self.gaps(72, [-1, 10, 30, 50, 71, 73]).isEmpty)
        let daily = (0..<70).map { Int64($0 * 24) }
        #expect(Self.gaps(70 * 24, daily).isEmpty)
        let weekend = daily.filter { !(240..<312).contains($0) }
        #expect(Self.gaps(70 * 24, weekend).isEmpty)
        let week = daily.filter { !(240..<408).contains($0) }
        #expect(Self.gaps(70 * 24, week) == [240...408])
    }
}
