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
        guard text.count >= 9, text.count <= 24, text[0] &- UInt8(ascii: "0") < 10 else { return nil }
        if let integer = Int64(text.text) { return moment(integer, unit) }
        return Double(text.text).flatMap { moment($0, unit) }
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
