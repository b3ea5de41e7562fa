// RFC 3339 text, and the looser forms that real audit logs use.

extension Timestamp {
    /// Reads `2026-11-23T10:11:12.123456789+01:00` and what providers make of it: a space or `_` instead of `T`, no
    /// seconds, no zone (then UTC), `Z`, `UTC`, `GMT`, `+0000`, `+00`, a space before the zone, a bare date, commas for
    /// the fraction's point, fractions longer than nine digits (cut). Returns nil for everything else.
    ///
    /// Cost: one pass over at most 48 bytes.
    package init?(parsing text: UnsafeRawBufferPointer) {
        guard text.count >= 10, text.count <= 48 else { return nil }
        var reader = TimeReader(text: text)
        guard let year = reader.digits(4), reader.take(UInt8(ascii: "-")) || reader.take(UInt8(ascii: "/")),
            let month = reader.digits(2), reader.take(UInt8(ascii: "-")) || reader.take(UInt8(ascii: "/")),
            let day = reader.digits(2)
        else { return nil }
        if reader.isAtEnd {
            self.init(year: year, month: month, day: day)
            return
        }
        guard reader.takeSeparator(), let hour = reader.digits(2), reader.take(UInt8(ascii: ":")),
            let minute = reader.digits(2)
        else { return nil }
        var second = 0
        var nanosecond = 0
        if reader.take(UInt8(ascii: ":")) {
            guard let value = reader.digits(2) else { return nil }
            second = value
            if reader.take(UInt8(ascii: ".")) || reader.take(UInt8(ascii: ",")) {
                guard let fraction = reader.fraction() else { return nil }
                nanosecond = fraction
            }
        }
        guard let offset = reader.zone(), reader.isAtEnd else { return nil }
        self.init(
            year: year, month: month, day: day, hour: hour, minute: minute, second: second, nanosecond: nanosecond,
            offsetSeconds: offset)
    }

    package init?(parsing text: String) {
        var text = text
        let parsed = text.withUTF8 { Timestamp(parsing: UnsafeRawBufferPointer($0)) }
        guard let parsed else { return nil }
        self = parsed
    }

    /// RFC 3339 with `Z` and as many fractional digits as the value has: none, 3, 6 or 9.
    package var text: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(30)
        appendText(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends ``text`` as UTF-8.
    package func appendText(to bytes: inout [UInt8]) {
        let secondsOfEpoch = seconds
        let day = Self.floorDivide(secondsOfEpoch, 86_400)
        let date = Self.civilDate(ofDay: day)
        let secondOfDay = Int(secondsOfEpoch - day * 86_400)
        Self.append(date.year, digits: 4, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        Self.append(date.month, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        Self.append(date.day, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: "T"))
        Self.append(secondOfDay / 3_600, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        Self.append(secondOfDay / 60 % 60, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        Self.append(secondOfDay % 60, digits: 2, to: &bytes)
        // The earliest moments' whole seconds are out of range as nanoseconds; the difference is not.
        let nanosecond = Int(rawValue &- secondsOfEpoch &* 1_000_000_000)
        if nanosecond != 0 {
            bytes.append(UInt8(ascii: "."))
            if nanosecond % 1_000_000 == 0 {
                Self.append(nanosecond / 1_000_000, digits: 3, to: &bytes)
            } else if nanosecond % 1_000 == 0 {
                Self.append(nanosecond / 1_000, digits: 6, to: &bytes)
            } else {
                Self.append(nanosecond, digits: 9, to: &bytes)
            }
        }
        bytes.append(UInt8(ascii: "Z"))
    }

    private static func append(_ value: Int, digits: Int, to bytes: inout [UInt8]) {
        var divisor = 1
        for _ in 1..<digits { divisor *= 10 }
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / divisor % 10))
            divisor /= 10
        }
    }
}

/// A cursor over the text of a time.
private struct TimeReader {
    let text: UnsafeRawBufferPointer
    var position = 0

    var isAtEnd: Bool { position == text.count }

    mutating func take(_ byte: UInt8) -> Bool {
        guard position < text.count, text[position] == byte else { return false }
        position += 1
        return true
    }

    mutating func takeSeparator() -> Bool {
        take(UInt8(ascii: "T")) || take(UInt8(ascii: "t")) || take(UInt8(ascii: " ")) || take(UInt8(ascii: "_"))
    }

    mutating func digits(_ count: Int) -> Int? {
        guard position + count <= text.count else { return nil }
        var value = 0
        for offset in position..<position + count {
            let digit = text[offset] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            value = value * 10 + Int(digit)
        }
        position += count
        return value
    }

    /// The fraction in nanoseconds; further digits are dropped.
    mutating func fraction() -> Int? {
        var value = 0
        var taken = 0
        while position < text.count {
            let digit = text[position] &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            if taken < 9 {
                value = value * 10 + Int(digit)
                taken += 1
            }
            position += 1
        }
        guard taken > 0 else { return nil }
        for _ in taken..<9 { value *= 10 }
        return value
    }

    /// The zone as seconds east of UTC; none means UTC.
    mutating func zone() -> Int? {
        _ = take(UInt8(ascii: " "))
        if isAtEnd || take(UInt8(ascii: "Z")) || take(UInt8(ascii: "z")) { return 0 }
        for name in ["UTC", "GMT"] where text[position...].elementsEqual(name.utf8) {
            position = text.count
            return 0
        }
        let isWest: Bool
        if take(UInt8(ascii: "+")) {
            isWest = false
        } else if take(UInt8(ascii: "-")) {
            isWest = true
        } else {
            return nil
        }
        guard let hours = digits(2), hours <= 23 else { return nil }
        _ = take(UInt8(ascii: ":"))
        var minutes = 0
        if !isAtEnd, text[position] != UInt8(ascii: " ") {
            guard let value = digits(2), value <= 59 else { return nil }
            minutes = value
        }
        // Go prints times as `2026-11-23 10:11:12 +0000 UTC`.
        for name in [" UTC", " GMT"] where text[position...].elementsEqual(name.utf8) { position = text.count }
        let offset = hours * 3_600 + minutes * 60
        return isWest ? -offset : offset
    }
}
