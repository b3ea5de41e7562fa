internal import EventModel

/// A place in a syslog message. What does not fit leaves it where it was or anywhere behind: callers go on from a copy.
struct SyslogCursor {
    /// A time of RFC 3164: no year, no zone.
    struct CivilTime {
        var month: Int
        var day: Int
        var hour: Int
        var minute: Int
        var second: Int
    }

    /// A word of the head is at most a host's 255 characters (RFC 5424 §6); longer ones are content.
    private static let maximumWord = 255
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    private let bytes: UnsafeRawBufferPointer
    var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func take(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    mutating func number(digits: ClosedRange<Int>) -> Int? {
        bytes.decimal(at: &position, digits: digits)
    }

    /// Printable characters up to the next space, which is stepped over.
    mutating func word() -> String? {
        let start = position
        while position < bytes.count, bytes[position] > 0x20, bytes[position] != 0x7F { position += 1 }
        guard position > start, position - start <= Self.maximumWord else { return nil }
        let word = bytes.slice(start..<position).text
        if position == bytes.count { return word }
        return take(UInt8(ascii: " ")) ? word : nil
    }

    /// An SD-NAME (RFC 5424 §6.3.2): printable, without `=`, space, `]` and `"`.
    mutating func name() -> String? {
        let start = position
        while position < bytes.count, bytes[position] > 0x20, bytes[position] < 0x7F,
            bytes[position] != UInt8(ascii: "="), bytes[position] != UInt8(ascii: "]"),
            bytes[position] != UInt8(ascii: "\"")
        {
            position += 1
        }
        guard position > start, position - start <= Self.maximumWord else { return nil }
        return bytes.slice(start..<position).text
    }

    /// A PARAM-VALUE (RFC 5424 §6.3.3), unescaped. Before any other character a backslash stands for itself.
    mutating func quoted() -> String? {
        guard take(UInt8(ascii: "\"")) else { return nil }
        var value: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: value, as: UTF8.self)
            case UInt8(ascii: "\\"):
                if position < bytes.count,
                    [UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "]")].contains(bytes[position])
                {
                    value.append(bytes[position])
                    position += 1
                } else {
                    value.append(byte)
                }
            default: value.append(byte)
            }
        }
        return nil
    }

    /// The name before `[` or `:` (RFC 3164 §4.1.3 says 32 letters and digits; programs have dots, dashes and slashes in theirs).
    mutating func tag() -> String? {
        let start = position
        while position < bytes.count, position - start < 64 {
            switch bytes[position] {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "/"), UInt8(ascii: "@"):
                position += 1
            default:
                return position > start ? bytes.slice(start..<position).text : nil
            }
        }
        return nil
    }

    mutating func until(_ end: UInt8, atMost limit: Int) -> String? {
        let start = position
        while position < bytes.count, position - start <= limit {
            if bytes[position] == end {
                defer { position += 1 }
                return bytes.slice(start..<position).text
            }
            position += 1
        }
        return nil
    }

    /// `Mmm dd hh:mm:ss ` (RFC 3164 §4.1.2); the day is padded with a space, by some with a zero or not at all.
    mutating func traditionalTime() -> CivilTime? {
        guard position + 3 <= bytes.count,
            let month = Self.months.firstIndex(of: bytes.slice(position..<position + 3).text)
        else { return nil }
        position += 3
        guard take(UInt8(ascii: " ")) else { return nil }
        _ = take(UInt8(ascii: " "))
        guard let day = number(digits: 1...2), take(UInt8(ascii: " ")), let hour = number(digits: 2...2),
            take(UInt8(ascii: ":")), let minute = number(digits: 2...2), take(UInt8(ascii: ":")),
            let second = number(digits: 2...2), (1...31).contains(day), hour < 24, minute < 60, second <= 60
        else { return nil }
        guard take(UInt8(ascii: " ")) || position == bytes.count else { return nil }
        return CivilTime(month: month + 1, day: day, hour: hour, minute: minute, second: second)
    }
}
