import EventModel
import Testing

@Suite("Timestamps")
struct TimestampTests {
    @Test(
        "Times are read in the forms that providers write",
        arguments: [
            ("2026-11-23T10:11:12Z", "2026-11-23T10:11:12Z"),
            ("2026-11-23T10:11:12.5+01:00", "2026-11-23T09:11:12.500Z"),
            ("2016-03-09T14:44:26.402973972-08:00", "2016-03-09T22:44:26.402973972Z"),
            ("2020-12-08 04:04:56 UTC", "2020-12-08T04:04:56Z"),
            ("2020-12-08 04:04:56 +0000", "2020-12-08T04:04:56Z"),
            ("2020-12-08 04:04:56 +0000 UTC", "2020-12-08T04:04:56Z"),
            ("2022-11-29 00:09:04.38", "2022-11-29T00:09:04.380Z"),
            ("2026-11-23", "2026-11-23T00:00:00Z"),
            ("2026-11-23T10:11", "2026-11-23T10:11:00Z"),
            ("2026-02-28T23:59:60Z", "2026-02-28T23:59:59Z"),
            ("2024-02-29T00:00:00.1234567891Z", "2024-02-29T00:00:00.123456789Z"),
        ])
    func readsProviderForms(text: String, expected: String) throws {
        #expect(try #require(Timestamp(parsing: text)).text == expected)
    }

    @Test(
        "Text that is no time is refused",
        arguments: [
            "", "yesterday", "2026-13-01", "2026-02-29", "2026-11-23T", "2026-11-23T25:00:00Z", "2026-11-23T10:11:12X",
            "2026-11-23T10:11:12.Z", "1234567890", "0000-00-00T00:00:00Z", "9999-01-01T00:00:00Z",
        ])
    func refusesWhatIsNoTime(text: String) {
        #expect(Timestamp(parsing: text) == nil)
    }

    @Test("Printing and reading give the same moment back, before and after the epoch")
    func roundTrip() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            let time = Timestamp(
                rawValue: Int64.random(in: -9_000_000_000_000_000_000...9_000_000_000_000_000_000, using: &random))
            #expect(Timestamp(parsing: time.text) == time, "\(time.rawValue)")
        }
    }

    @Test("The first and the last moment have a text")
    func ends() {
        #expect(Timestamp(rawValue: .min).text == "1677-09-21T00:12:43.145224192Z")
        #expect(Timestamp(rawValue: .max).text == "2262-04-11T23:47:16.854775807Z")
    }

    @Test("Times go down to a multiple of a span, and not out of range")
    func floors() {
        for (time, span, floor) in [
            (0 as Int64, 10 as Int64, 0 as Int64), (9, 10, 0), (10, 10, 10), (-1, 10, -10), (-10, 10, -10),
            (-11, 10, -20), (.max, .max, .max), (.min, 1, .min), (.min, 1_000, .min), (.min + 900, 1_000, .min + 808),
        ] {
            #expect(Timestamp(nanoseconds: time).floored(toMultipleOf: span).nanoseconds == floor, "\(time) \(span)")
        }
    }

    @Test("Days are whole UTC days, also before the epoch")
    func days() {
        #expect(Timestamp(rawValue: 0).day == 0)
        #expect(Timestamp(rawValue: -1).day == -1)
        #expect(Timestamp(seconds: 86_400).day == 1)
    }
}
