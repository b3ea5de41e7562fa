internal import EventModel

/// Reading the times of payloads.
enum EventTime {
    enum Unit: String, CaseIterable, Sendable { case auto, seconds, milliseconds, microseconds, nanoseconds }

    /// A JSON string (RFC 3339 and looser, or digits) or a number since 1970.
    static func read(_ value: JSONValue, _ unit: Unit) -> Timestamp? {
        if let text = value.string { return read(text, unit) }
        if let integer = value.int64 { return moment(integer, unit) }
        if let double = value.double { return moment(double, unit) }
        return nil
    }

    static func read(_ text: UnsafeRawBufferPointer, _ unit: Unit) -> Timestamp? {
        if let time = Timestamp(parsing: text) { return time }
        if let time = accessLogTime(text) ?? WrittenTime.read(text) { return time }
        guard text.count >= 9, text.count <= 24, text[0] &- UInt8(ascii: "0") < 10 else { return nil }
        if let integer = Int64(text.text) { return moment(integer, unit) }
        return Double(text.text).flatMap { moment($0, unit) }
    }

    /// The time of the common log format, as in `10/Oct/2000:13:55:36 -0700`; also without a zone, which is then UTC.
    private static func accessLogTime(_ text: UnsafeRawBufferPointer) -> Timestamp? {
        guard text.count == 20 || text.count == 26, text[2] == UInt8(ascii: "/"), text[6] == UInt8(ascii: "/"),
            text[11] == UInt8(ascii: ":"),
            let month = WrittenTime.months.firstIndex(of: text.slice(3..<6).text.lowercased())
        else { return nil }
        let number = month + 1
        var iso = text.slice(7..<11).text + "-" + (number < 10 ? "0" : "") + String(number)
        iso += "-" + text.slice(0..<2).text + "T" + text.slice(12..<20).text
        iso += text.count == 26 ? text.slice(21..<26).text : "Z"
        return Array(iso.utf8).withUnsafeBytes { Timestamp(parsing: $0) }
    }

    /// By magnitude: below 10¹¹ seconds (the year 5138), below 10¹⁴ milliseconds, below 10¹⁷ microseconds. Values before
    /// 1973 (10⁸ seconds) are counters, not times.
    private static func moment(_ value: Int64, _ unit: Unit) -> Timestamp? {
        let factor: Int64
        switch unit {
        case .seconds: factor = 1_000_000_000
        case .milliseconds: factor = 1_000_000
        case .microseconds: factor = 1_000
        case .nanoseconds: factor = 1
        case .auto:
            switch value {
            case ..<100_000_000: return nil
            case ..<100_000_000_000: factor = 1_000_000_000
            case ..<100_000_000_000_000: factor = 1_000_000
            case ..<100_000_000_000_000_000: factor = 1_000
            default: factor = 1
            }
        }
        let (product, overflow) = value.multipliedReportingOverflow(by: factor)
        return overflow ? nil : Timestamp(nanoseconds: product)
    }

    private static func moment(_ value: Double, _ unit: Unit) -> Timestamp? {
        guard value.isFinite, value >= 0, value < 1e19 else { return nil }
        let whole = value.rounded(.down)
        guard let integer = Int64(exactly: whole), let base = moment(integer, unit) else { return nil }
        guard value != whole else { return base }
        let scale: Double
        switch unit {
        case .seconds: scale = 1e9
        case .milliseconds: scale = 1e6
        case .microseconds: scale = 1e3
        case .nanoseconds: scale = 1
        case .auto: scale = whole < 1e11 ? 1e9 : whole < 1e14 ? 1e6 : whole < 1e17 ? 1e3 : 1
        }
        // Doubles of today's seconds carry about a quarter of a microsecond; more digits would be invented.
        let fraction = ((value - whole) * scale / 1_000).rounded() * 1_000
        return base.advanced(byNanoseconds: Int64(fraction))
    }
}
