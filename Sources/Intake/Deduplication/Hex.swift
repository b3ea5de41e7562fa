/// Lower-case hexadecimal.
enum Hex {
    static func append(_ bytes: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        let digits: StaticString = "0123456789abcdef"
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: bytes.count * 2) { text in
            for (position, byte) in bytes.enumerated() {
                text[position * 2] = digits.utf8Start[Int(byte >> 4)]
                text[position * 2 + 1] = digits.utf8Start[Int(byte & 15)]
            }
            output.append(contentsOf: UnsafeRawBufferPointer(text))
        }
    }

    /// Decodes text of an even number of hexadecimal digits; false when it is anything else.
    static func decode(_ text: String, into output: inout [UInt8]) -> Bool {
        var high: UInt8?
        for character in text.utf8 {
            let value: UInt8
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = character - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = character - UInt8(ascii: "a") + 10
            default: return false
            }
            if let upper = high {
                output.append(upper << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return high == nil
    }
}
