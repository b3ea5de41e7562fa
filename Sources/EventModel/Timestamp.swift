/// A moment in UTC with nanosecond resolution: nanoseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
/// The range is 1677-09-21 to 2262-04-11.
package struct Timestamp: RawRepresentable, Hashable, Comparable, Sendable {
    package let rawValue: Int64

    package init(rawValue: Int64) { self.rawValue = rawValue }
    package init(nanoseconds: Int64) { self.rawValue = nanoseconds }
    package init(milliseconds: Int64) { self.rawValue = milliseconds &* 1_000_000 }
    package init(seconds: Int64) { self.rawValue = seconds &* 1_000_000_000 }

    package var nanoseconds: Int64 { rawValue }
    package var milliseconds: Int64 { Self.floorDivide(rawValue, 1_000_000) }
    package var seconds: Int64 { Self.floorDivide(rawValue, 1_000_000_000) }

    /// Whole days since 1970-01-01 UTC.
    package var day: Int32 { Int32(truncatingIfNeeded: Self.floorDivide(rawValue, 86_400_000_000_000)) }

    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.rawValue < right.rawValue }

    /// This moment moved by a number of nanoseconds, held inside the range.
    package func advanced(byNanoseconds delta: Int64) -> Timestamp {
        let (sum, overflow) = rawValue.addingReportingOverflow(delta)
        if overflow { return Timestamp(rawValue: delta < 0 ? .min : .max) }
        return Timestamp(rawValue: sum)
    }

    /// The last moment at or before this one that is a whole number of spans after 1970, held inside the range.
    ///
    /// - Parameter span: in nanoseconds, above zero.
    package func floored(toMultipleOf span: Int64) -> Timestamp {
        let remainder = rawValue % span
        return advanced(byNanoseconds: remainder < 0 ? -span - remainder : -remainder)
    }

    static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }
}

// MARK: - The calendar

extension Timestamp {
    /// The proleptic Gregorian date of a day number (days since 1970-01-01).
    package static func civilDate(ofDay day: Int64) -> (year: Int, month: Int, day: Int) {
        // Eras of 400 years that begin on 1 March, so that the leap day is the last of its year.
        let shifted = day + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let dayOfMonth = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (Int(year), Int(month), Int(dayOfMonth))
    }

    /// The day number of a date, or nil when there is no such date.
    package static func dayNumber(year: Int, month: Int, day: Int) -> Int64? {
        guard (1...12).contains(month), day >= 1, day <= daysIn(month: month, year: year) else { return nil }
        let shiftedYear = Int64(month <= 2 ? year - 1 : year)
        let era = floorDivide(shiftedYear, 400)
        let yearOfEra = shiftedYear - era * 400
        let shiftedMonth = Int64(month > 2 ? month - 3 : month + 9)
        let dayOfYear = (153 * shiftedMonth + 2) / 5 + Int64(day) - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static func daysIn(month: Int, year: Int) -> Int {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        default: 31
        }
    }

    /// A moment from its parts, or nil when there is no such moment or it is out of range. Second 60 (a leap second) is
    /// read as the last nanosecond-free moment before the next minute, as RFC 3339 §5.7 lets a reader do.
    package init?(
        year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0, nanosecond: Int = 0,
        offsetSeconds: Int = 0
    ) {
        guard let dayNumber = Self.dayNumber(year: year, month: month, day: day),
            (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second),
            (1678...2261).contains(year)
        else { return nil }
        let seconds = dayNumber * 86_400 + Int64(hour * 3_600 + minute * 60 + min(second, 59)) - Int64(offsetSeconds)
        rawValue = seconds * 1_000_000_000 + Int64(nanosecond)
    }
}
