internal import Foundation

/// Standard base64 (RFC 4648, section 4), in which every value has exactly one spelling.
enum StrictBase64 {
    static func encode(_ bytes: some Sequence<UInt8>) -> String {
        Data(bytes).base64EncodedString()
    }

    /// The bytes; `nil` for anything but the one canonical spelling with its padding.
    static func decode(_ text: some StringProtocol) -> [UInt8]? {
        let spelling = String(text)
        // Foundation accepts stray bits in the last character; a second spelling of the same signed bytes is refused.
        guard let data = Data(base64Encoded: spelling), data.base64EncodedString() == spelling else { return nil }
        return Array(data)
    }
}

/// Decimal numbers as C2SP writes them: ASCII digits, no sign, no leading zeros.
enum StrictDecimal {
    static func decode(_ text: some StringProtocol) -> UInt64? {
        let digits = text.utf8
        guard !digits.isEmpty, digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        guard digits.count == 1 || digits.first != UInt8(ascii: "0") else { return nil }
        return UInt64(text)
    }
}
