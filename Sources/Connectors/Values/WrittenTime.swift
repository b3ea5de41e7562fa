internal import EventModel

/// Times as programs write them for people: `Nov 26, 2026 4:10:25 PM`, `October 6, 2026 11:56`, `11/26/2026 4:10:25 PM`
/// (month first, as everybody writes who says AM and PM), and ISO 8601 without separators, `20261126T161025+0100`. Without
/// a zone they are UTC. A time without a year is none: which year it was would be a guess.
enum WrittenTime {
    static func read(_ text: UnsafeRawBufferPointer) -> Timestamp? {
        guard text.count >= 15, text.count <= 48 else { return nil }
        var reader = Reader(text: text)
        if text[8] == UInt8(ascii: "T") { return compact(&reader) }
        return text[0] &- UInt8(ascii: "0") < 10 ? slashed(&reader) : named(&reader)
    }

    private static func compact(_ reader: inout Reader) -> Timestamp? {
        guard let year = reader.number(4...4), let month = reader.number(2...2), let day = reader.number(2...2),
            reader.take("T"), let hour = reader.number(2...2), let minute = reader.number(2...2)
        else { return nil }
        let second = reader.number(2...2) ?? 0
        guard let offset = reader.zone(), reader.isAtEnd else { return nil }
        return Timestamp(
            year: year, month: month, day: day, hour: hour, minute: minute, second: second, nanosecond: 0,
            offsetSeconds: offset)
    }

    private static func slashed(_ reader: inout Reader) -> Timestamp? {
        guard let month = reader.number(1...2), reader.take("/"), let day = reader.number(1...2), reader.take("/"),
            let year = reader.number(4...4)
        else { return nil }
        return clock(&reader, year: year, month: month, day: day, needsHalf: true)
    }

    /// In the language of logs, by their first three letters.
    static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

    private static func named(_ reader: inout Reader) -> Timestamp? {
        guard let word = reader.word(), word.count >= 3, let month = months.firstIndex(of: String(word.prefix(3))),
            reader.take(" ")
        else { return nil }
        _ = reader.take(" ")
        guard let day = reader.number(1...2) else { return nil }
        _ = reader.take(",")
        guard reader.take(" "), let year = reader.number(4...4) else { return nil }
        return clock(&reader, year: year, month: month + 1, day: day, needsHalf: false)
    }

    private static func clock(
        _ reader: inout Reader, year: Int, month: Int, day: Int, needsHalf: Bool
    ) -> Timestamp? {
        _ = reader.take(",")
        guard reader.take(" "), var hour = reader.number(1...2), reader.take(":"), let minute = reader.number(2...2)
        else { return nil }
        var second = 0
        if reader.take(":") {
            guard let value = reader.number(2...2) else { return nil }
            second = value
        }
        // Java has a narrow no-break space before AM and PM since its release 20.
        let isSpaced = reader.take("\u{202F}") || reader.take(" ")
        if isSpaced, reader.take("PM") {
            guard (1...12).contains(hour) else { return nil }
            hour = hour % 12 + 12
        } else if isSpaced, reader.take("AM") {
            guard (1...12).contains(hour) else { return nil }
            hour %= 12
        } else if needsHalf || isSpaced {
            return nil
        }
        guard reader.isAtEnd else { return nil }
        return Timestamp(
            year: year, month: month, day: day, hour: hour, minute: minute, second: second, nanosecond: 0,
            offsetSeconds: 0)
    }

    private struct Reader {
        let text: UnsafeRawBufferPointer
        var position = 0

        init(text: UnsafeRawBufferPointer) { self.text = text }

        var isAtEnd: Bool { position == text.count }

        mutating func take(_ wanted: String) -> Bool {
            guard text[position...].starts(with: wanted.utf8) else { return false }
            position += wanted.utf8.count
            return true
        }

        mutating func number(_ length: ClosedRange<Int>) -> Int? {
            text.decimal(at: &position, digits: length)
        }

        mutating func word() -> String? {
            let start = position
            while position < text.count, CaseFolding.fold(text[position]) &- UInt8(ascii: "a") < 26 { position += 1 }
            return position == start ? nil : text.slice(start..<position).text.lowercased()
        }

        mutating func zone() -> Int? {
            if isAtEnd || take("Z") { return 0 }
            let isWest = take("-")
            guard isWest || take("+"), let hours = number(2...2), let minutes = number(2...2), hours < 24, minutes < 60
            else { return nil }
            return (isWest ? -1 : 1) * (hours * 3_600 + minutes * 60)
        }
    }
}
