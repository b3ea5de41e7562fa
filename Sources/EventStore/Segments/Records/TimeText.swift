import EventModel

/// The texts that audit logs write one time as, which marks in packed text stand for (``TextMark/time``). docs/format/segment.md §6.
///
/// A form says how the time is written, in what unit; with ``differs`` what is written differs from the row's time, cut to that unit, by so
/// many units. Its owner calls ``free()``.
struct TimeText {
    /// A difference follows the form, in zigzag form.
    static let differs: UInt8 = 0x40
    /// The form of a number of seconds, and those of thousandths, millionths and billionths. A form below is RFC 3339 without a zone,
    /// with so many digits behind the point, and without one for none.
    static let epoch: UInt8 = 16
    private static let lastEpoch: UInt8 = 19
    /// The bytes of a time of RFC 3339 up to the seconds.
    static let secondBytes = 19
    private static let dateBytes = 11
    /// Numbers further away from the row's time are taken for none: in their units, some days, hours or milliseconds.
    private static let largestDifference: Int64 = 1 << 20

    private static let powers: InlineArray<10, Int64> = [
        1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000,
    ]

    /// `yyyy-mm-ddThh:mm:ss` of `second`.
    private let text: UnsafeMutableRawPointer
    private var second = Int64.min
    private var day = Int64.min

    init() {
        text = .allocate(byteCount: 24, alignment: 8)
        text.initializeMemory(as: UInt8.self, repeating: 0, count: 24)
    }

    func free() { text.deallocate() }

    // MARK: Writing

    /// Writes what a form stands for and returns how many bytes that is; nil when there is no such form, or no room.
    mutating func write(
        _ time: Int64, _ form: UInt8, _ difference: UInt64, to target: UnsafeMutableRawPointer, atMost room: Int
    ) -> Int? {
        let kind = form & ~Self.differs
        guard let digits = Self.digits(kind) else { return nil }
        let unit = Self.powers[9 - digits]
        let units = Self.floor(time, unit) &+ Varint.number(zigzag: difference)
        if kind >= Self.epoch { return Self.write(decimal: units, to: target, atMost: room) }
        let scale = Self.powers[digits]
        let second = Self.floor(units, scale)
        let count = Self.secondBytes + (digits > 0 ? digits + 1 : 0)
        guard room >= count, set(second: second) else { return nil }
        target.copyMemory(from: text, byteCount: Self.secondBytes)
        guard digits > 0 else { return count }
        target.storeBytes(of: UInt8(ascii: "."), toByteOffset: Self.secondBytes, as: UInt8.self)
        Self.write(units &- second &* scale, digits: digits, to: target + Self.secondBytes + 1)
        return count
    }

    private static func write(decimal value: Int64, to target: UnsafeMutableRawPointer, atMost room: Int) -> Int? {
        guard value > 0 else { return nil }
        var count = 1
        var rest = value / 10
        while rest > 0 {
            count += 1
            rest /= 10
        }
        guard count <= room else { return nil }
        write(value, digits: count, to: target)
        return count
    }

    @inline(__always)
    private static func write(_ value: Int64, digits: Int, to target: UnsafeMutableRawPointer) {
        var rest = UInt64(bitPattern: value)
        for place in stride(from: digits - 1, through: 0, by: -1) {
            target.storeBytes(
                of: UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10), toByteOffset: place, as: UInt8.self)
            rest /= 10
        }
    }

    /// Makes the text of a second. False for one that does not begin with a year of four digits.
    private mutating func set(second: Int64) -> Bool {
        guard second != self.second else { return true }
        let day = Self.floor(second, 86_400)
        if day != self.day {
            // From the year 0 to 9999.
            guard (-719_528...2_932_896).contains(day) else { return false }
            let date = Timestamp.civilDate(ofDay: day)
            Self.write(Int64(date.year), digits: 4, to: text)
            Self.write(Int64(date.month), digits: 2, to: text + 5)
            Self.write(Int64(date.day), digits: 2, to: text + 8)
            for (offset, byte) in [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")] as [(Int, Unicode.Scalar)] {
                text.storeBytes(of: UInt8(ascii: byte), toByteOffset: offset, as: UInt8.self)
            }
            self.day = day
        }
        let secondOfDay = second - day * 86_400
        Self.write(secondOfDay / 3_600, digits: 2, to: text + Self.dateBytes)
        Self.write(secondOfDay / 60 % 60, digits: 2, to: text + Self.dateBytes + 3)
        Self.write(secondOfDay % 60, digits: 2, to: text + Self.dateBytes + 6)
        self.second = second
        return true
    }

    // MARK: Reading

    /// What stands for text: a form, and with ``differs`` a difference.
    struct Found {
        let form: UInt8
        let difference: UInt64
        /// Of the text.
        let count: Int
    }

    /// A row's time, taken apart.
    struct Row: BitwiseCopyable {
        fileprivate let time: Int64
        fileprivate let second: Int64
        fileprivate let nanosecond: Int64

        init(_ time: Int64) {
            self.time = time
            second = TimeText.floor(time, 1_000_000_000)
            nanosecond = time &- second &* 1_000_000_000
        }
    }

    /// The time at the beginning of some text that is in the same second as the row's.
    ///
    /// - Parameter count: the bytes of the text.
    @inline(__always)
    mutating func found(_ row: Row, at start: UnsafeRawPointer, _ count: Int) -> Found? {
        guard count >= Self.secondBytes, set(second: row.second),
            start.loadUnaligned(as: UInt64.self) == text.load(as: UInt64.self),
            start.loadUnaligned(fromByteOffset: 8, as: UInt64.self) == text.load(fromByteOffset: 8, as: UInt64.self),
            start.loadUnaligned(fromByteOffset: 15, as: UInt32.self)
                == text.loadUnaligned(fromByteOffset: 15, as: UInt32.self)
        else { return nil }
        var digits = 0
        var fraction: Int64 = 0
        if count > Self.secondBytes, start.load(fromByteOffset: Self.secondBytes, as: UInt8.self) == UInt8(ascii: ".") {
            while digits < 9, Self.secondBytes + 1 + digits < count {
                let digit =
                    start.load(fromByteOffset: Self.secondBytes + 1 + digits, as: UInt8.self) &- UInt8(ascii: "0")
                guard digit < 10 else { break }
                fraction = fraction * 10 + Int64(digit)
                digits += 1
            }
        }
        let own = row.nanosecond / Self.powers[9 - digits]
        return Found(UInt8(digits), fraction - own, Self.secondBytes + (digits > 0 ? digits + 1 : 0))
    }

    /// The number that a token of decimal digits is, when it is near the row's time in the unit that its length tells.
    ///
    /// - Parameter count: 10, 13, 16 or 19.
    @inline(__always)
    static func found(_ row: Row, decimal start: UnsafeRawPointer, _ count: Int) -> Found? {
        let kind = epoch + UInt8((count - 10) / 3)
        guard start.load(as: UInt8.self) != UInt8(ascii: "0") else { return nil }
        var value: UInt64 = 0
        for place in 0..<count {
            let digit = start.load(fromByteOffset: place, as: UInt8.self) &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            value = value * 10 + UInt64(digit)
        }
        guard let digits = digits(kind), let value = Int64(exactly: value) else { return nil }
        let difference = value &- floor(row.time, powers[9 - digits])
        guard difference.magnitude <= UInt64(largestDifference) else { return nil }
        return Found(kind, difference, count)
    }

    /// Digits of a second that a form has; nil for a byte that is none.
    private static func digits(_ kind: UInt8) -> Int? {
        if kind <= 9 { return Int(kind) }
        return kind >= epoch && kind <= lastEpoch ? Int(kind - epoch) * 3 : nil
    }

    @inline(__always)
    private static func floor(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }
}

extension TimeText.Found {
    @inline(__always)
    fileprivate init(_ kind: UInt8, _ difference: Int64, _ count: Int) {
        form = difference == 0 ? kind : kind | TimeText.differs
        self.difference = Varint.zigzag(difference)
        self.count = count
    }
}
