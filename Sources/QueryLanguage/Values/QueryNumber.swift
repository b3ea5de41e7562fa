/// A number as it was typed or as a value holds it: exact for 64-bit integers, else a finite double.
package enum QueryNumber: Sendable {
    case integer(Int64)
    case decimal(Double)

    /// Reads JSON's number grammar, leading zeros allowed; nil for anything else and for what exceeds a double.
    package init?(parsing text: UnsafeRawBufferPointer) {
        guard let isInteger = Self.isInteger(text) else { return nil }
        let string = String(decoding: text, as: UTF8.self)
        if isInteger, let value = Int64(string) {
            self = .integer(value)
            return
        }
        guard let value = Double(string), value.isFinite else { return nil }
        self.init(value)
    }

    package init?(parsing text: String) {
        var text = text
        let parsed = text.withUTF8 { QueryNumber(parsing: UnsafeRawBufferPointer($0)) }
        guard let parsed else { return nil }
        self = parsed
    }

    /// Whole numbers in the range of 64 bits become integers, so that `5` and `5.0` are one number.
    init(_ value: Double) {
        if let whole = Int64(exactly: value) {
            self = .integer(whole)
        } else {
            self = .decimal(value)
        }
    }

    package var text: String {
        switch self {
        case .integer(let value): "\(value)"
        case .decimal(let value): "\(value)"
        }
    }

    package var double: Double {
        switch self {
        case .integer(let value): Double(value)
        case .decimal(let value): value
        }
    }

    /// Whether number text has neither fraction nor exponent; nil when it is no number.
    private static func isInteger(_ text: UnsafeRawBufferPointer) -> Bool? {
        // Longer spellings of finite numbers exist, but nobody's; the bound keeps the conversion cheap.
        guard text.count <= 64 else { return nil }
        var position = 0
        func digits() -> Bool {
            let start = position
            while position < text.count, text[position] &- UInt8(ascii: "0") < 10 { position += 1 }
            return position > start
        }
        func take(_ bytes: UInt8...) -> Bool {
            guard position < text.count, bytes.contains(text[position]) else { return false }
            position += 1
            return true
        }
        _ = take(UInt8(ascii: "-"))
        guard digits() else { return nil }
        var isInteger = true
        if take(UInt8(ascii: ".")) {
            isInteger = false
            guard digits() else { return nil }
        }
        if take(UInt8(ascii: "e"), UInt8(ascii: "E")) {
            isInteger = false
            _ = take(UInt8(ascii: "+"), UInt8(ascii: "-"))
            guard digits() else { return nil }
        }
        return position == text.count ? isInteger : nil
    }
}

extension QueryNumber: Hashable, Comparable {
    package static func < (left: QueryNumber, right: QueryNumber) -> Bool {
        switch (left, right) {
        case (.integer(let one), .integer(let other)): one < other
        case (.decimal(let one), .decimal(let other)): one < other
        case (.integer(let one), .decimal(let other)): isLess(one, other)
        case (.decimal(let one), .integer(let other)): !isLess(other, one)
        }
    }

    /// Compares exactly: converting a large integer to a double would round it. The double is never whole and in range,
    /// because such numbers are integers.
    private static func isLess(_ integer: Int64, _ decimal: Double) -> Bool {
        if decimal >= 0x1p63 { return true }
        if decimal < -0x1p63 { return false }
        return integer <= Int64(decimal.rounded(.down))
    }
}
