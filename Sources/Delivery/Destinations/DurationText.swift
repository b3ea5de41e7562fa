/// A length of time as configuration writes it: `90s`, `5m`, `4h`, `7d`; `0` for none.
enum DurationText {
    /// Nanoseconds; nil for what is no length of time or longer than 366 days.
    static func nanoseconds(_ text: String) -> Int64? {
        if text == "0" { return 0 }
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), let number = Int64(text.dropLast()), number >= 0,
            number <= 366 * 86_400 / unit
        else { return nil }
        return number * unit * 1_000_000_000
    }
}
