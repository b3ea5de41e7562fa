/// Makes text of events safe to show: what could move the cursor, change colours or turn lines around is written out.
enum VisibleText {
    /// The text with every dangerous character as `\u{…}`. Cost: one look at each byte when there is none.
    static func of(_ text: String) -> String {
        guard !text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else { return text }
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            if isDangerous(scalar) {
                result += "\\u{" + String(scalar.value, radix: 16) + "}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Like ``of(_:)``, but line feeds and tabs stay: for a payload shown whole.
    static func ofLines(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            if isDangerous(scalar), scalar != "\n", scalar != "\t" {
                result += "\\u{" + String(scalar.value, radix: 16) + "}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// JSON that means the same and holds no dangerous character: they can only stand inside strings, where JSON has an
    /// escape for them.
    static func ofJSON(_ bytes: [UInt8]) -> [UInt8] {
        guard !bytes.allSatisfy({ $0 < 0x7F }) else { return bytes }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + 16)
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            if scalar.value >= 0x7F, isDangerous(scalar) {
                for unit in UTF16.encode(scalar) ?? .init() {
                    let digits = String(unit, radix: 16)
                    result += "\\u".utf8
                    result += repeatElement(UInt8(ascii: "0"), count: 4 - digits.utf8.count)
                    result += digits.utf8
                }
            } else {
                result += UTF8.encode(scalar) ?? .init()
            }
        }
        return result
    }

    /// C0, DEL, C1, line and paragraph separators, characters that direct bidirectional text, and those that nobody sees
    /// but tag characters can hide a message in (Unicode 16, §23).
    static func isDangerous(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F...0x9F: true
        case 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        case 0xFEFF, 0xFFF9...0xFFFB, 0xE0000...0xE007F: true
        default: false
        }
    }
}
