import EventModel
import Intake
import Testing

@Suite("What is expected of a source")
struct SourceExpectationTests {
    private static func time(_ text: String) throws -> Timestamp { try #require(Timestamp(parsing: text)) }

    private static let nights: [(hours: String, from: String, to: String, seconds: Int64)] = [
        ("22:00-06:00", "2026-11-26T20:00:00Z", "2026-11-26T23:00:00Z", 2 * 3_600),
        ("22:00-06:00", "2026-11-26T23:00:00Z", "2026-11-27T05:59:59Z", 0),
        ("22:00-06:00", "2026-11-26T20:00:00Z", "2026-11-27T07:00:00Z", 3 * 3_600),
        ("22:00-06:00", "2026-11-26T12:00:00Z", "2026-11-29T12:00:00Z", 3 * 16 * 3_600),
        ("12:00-13:30", "2026-11-26T11:00:00Z", "2026-11-26T14:00:00Z", 5_400),
        ("12:00-13:30", "2026-11-26T12:10:00Z", "2026-11-26T12:20:00Z", 0),
        ("00:00-08:00", "1969-12-31T20:00:00Z", "1970-01-01T09:00:00Z", 5 * 3_600),
    ]

    @Test("Quiet hours do not count, also over midnight and over several days", arguments: nights)
    func quietHours(hours: String, from: String, to: String, seconds: Int64) throws {
        let hours = try #require(QuietHours(hours))
        #expect(try hours.expectedSeconds(from: Self.time(from), to: Self.time(to)) == seconds)
    }

    @Test("Counting second by second gives the same")
    func property() throws {
        let hours = try #require(QuietHours("21:59-05:03"))
        let start = try Self.time("2026-11-26T21:50:00Z")
        var counted: Int64 = 0
        for second in 0..<Int64(90_000) {
            let end = start.advanced(byNanoseconds: second * 1_000_000_000)
            if second % 61 == 0 { #expect(hours.expectedSeconds(from: start, to: end) == counted) }
            let ofDay = end.seconds % 86_400
            if ofDay >= 5 * 3_600 + 180, ofDay < 21 * 3_600 + 59 * 60 { counted += 1 }
        }
    }

    @Test(
        "What is no time of the day is refused",
        arguments: ["", "22:00", "22:00-22:00", "24:00-06:00", "2:00-06:00", "22:00-06:60", "22:00-06:00-07:00", "a-b"])
    func noHours(text: String) { #expect(QuietHours(text) == nil) }

    @Test("A source is quiet when it has been silent for longer than its heartbeat, and never without one")
    func quiet() throws {
        let last = try Self.time("2026-11-26T12:00:00Z")
        let expectations = SourceExpectations(everySeconds: 7_200)
        #expect(try !expectations.isQuiet(since: last, at: Self.time("2026-11-26T14:00:00Z")))
        #expect(try expectations.isQuiet(since: last, at: Self.time("2026-11-26T14:00:01Z")))
        #expect(try !SourceExpectations().isQuiet(since: last, at: Self.time("2029-01-01T00:00:00Z")))
    }

    @Test("Fields are named as in queries; what is none is refused")
    func fields() {
        #expect(EventFieldPath("raw.a.b")?.needsPayload == true)
        #expect(EventFieldPath("ext.seq")?.needsPayload == false)
        #expect(EventFieldPath("ci.attempt")?.needsPayload == false)
        for text in [
            "", "raw.", "raw..a", "raw.a.", "ext.", "ext", "nothing.there", "time", String(repeating: "a", count: 300),
        ] {
            #expect(EventFieldPath(text) == nil, "\(text)")
        }
    }

    private static let clocks: [(seconds: Int64, clock: EventClock)] = [
        (300, .agrees), (301, .ahead(seconds: 301)), (-300, .agrees), (-301, .late(seconds: 301)),
    ]

    @Test(
        "An event more than five minutes ahead of its receipt has a wrong clock; one that is behind is late",
        arguments: clocks)
    func clock(seconds: Int64, clock: EventClock) {
        let received = Timestamp(seconds: 1_790_000_000)
        #expect(
            EventClock(time: received.advanced(byNanoseconds: seconds * 1_000_000_000), received: received) == clock)
    }

    @Test("Times at the ends of their range are ahead or late, not a crash")
    func ends() {
        let received = Timestamp(seconds: 1_790_000_000)
        guard case .ahead = EventClock(time: Timestamp(rawValue: .max), received: received),
            case .late = EventClock(time: Timestamp(rawValue: .min), received: received)
        else {
            Issue.record("neither ahead nor late")
            return
        }
    }
}
