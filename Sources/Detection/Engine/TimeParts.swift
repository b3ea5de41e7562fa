import EventModel

extension ValueTest.TimePart {
    /// This part of a time, in UTC; weeks are ISO 8601's.
    func value(of time: Timestamp) -> Int64 {
        let day = Int64(time.day)
        let second = time.seconds - day * 86_400
        switch self {
        case .minute: return second / 60 % 60
        case .hour: return second / 3_600
        case .day: return Int64(Timestamp.civilDate(ofDay: day).day)
        case .month: return Int64(Timestamp.civilDate(ofDay: day).month)
        case .year: return Int64(Timestamp.civilDate(ofDay: day).year)
        case .week:
            // A week belongs to the year of its Thursday. 1970-01-01 was one; weeks begin on Monday.
            let weekday = ((day + 3) % 7 + 7) % 7
            let thursday = day - weekday + 3
            let year = Timestamp.civilDate(ofDay: thursday).year
            let firstOfYear = Timestamp.dayNumber(year: year, month: 1, day: 1) ?? thursday
            return (thursday - firstOfYear) / 7 + 1
        }
    }
}

extension ValueTest.Comparison {
    func holds(_ value: RuleNumber, _ bound: RuleNumber) -> Bool {
        switch self {
        case .lt: value < bound
        case .lte: !(bound < value)
        case .gt: bound < value
        case .gte: !(value < bound)
        case .equal: !(value < bound) && !(bound < value)
        }
    }
}
