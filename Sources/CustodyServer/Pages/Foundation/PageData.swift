import EventModel

/// What a template shows, by name.
typealias PageData = [String: Any]

extension PageData {
    /// Leaves out what is nil, so that a section over it is not shown.
    static func of(_ pairs: KeyValuePairs<String, Any?>) -> PageData {
        var data: PageData = [:]
        for (name, value) in pairs {
            if let value { data[name] = value }
        }
        return data
    }

    /// A moment for people and for `<time datetime>`; shown in UTC, as everything in evidence is.
    static func time(_ time: Timestamp, now: Timestamp) -> PageData {
        ["iso": time.text, "text": PageTime.text(time), "ago": PageTime.distance(time, now: now)]
    }
}

/// Moments and durations in words.
enum PageTime {
    /// `2026-11-23 10:11:12`, UTC.
    static func text(_ time: Timestamp) -> String {
        String(time.text.prefix(19)).replacing("T", with: " ")
    }

    /// `3 minutes ago`, `in 2 hours`.
    static func distance(_ time: Timestamp, now: Timestamp) -> String {
        let seconds = now.seconds - time.seconds
        if abs(seconds) < 2 { return "now" }
        let words = duration(abs(seconds))
        return seconds < 0 ? "in \(words)" : "\(words) ago"
    }

    /// Seconds in the largest unit that fits.
    static func duration(_ seconds: Int64) -> String {
        let units: [(Int64, String)] = [(86_400, "day"), (3_600, "hour"), (60, "minute")]
        for (size, name) in units where seconds >= size {
            return count(seconds / size, name)
        }
        return count(seconds, "second")
    }

    static func count(_ number: Int64, _ noun: String) -> String {
        "\(PageNumber.text(number)) \(noun)\(number == 1 ? "" : "s")"
    }
}

/// Numbers with their thousands apart.
enum PageNumber {
    static func text(_ number: some BinaryInteger) -> String {
        let digits = String(number.magnitude)
        var text = ""
        for (place, digit) in digits.enumerated() {
            if place > 0, (digits.count - place) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return number < 0 ? "-" + text : text
    }
}
