internal import EventModel

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A network address cleaned of what logs put around it: a port, brackets, a zone, the `::ffff:` of mapped IPv4.
struct NetworkAddress {
    /// The address as text: IPv4 as it stood, IPv6 in the form of RFC 5952.
    var text: InlineText
    var port: UInt16?

    /// At most 45 characters: the longest IPv6 text.
    struct InlineText {
        var bytes = InlineArray<46, UInt8>(repeating: 0)
        var count = 0

        mutating func assign(_ text: UnsafeRawBufferPointer) {
            count = min(text.count, 46)
            for position in 0..<count { bytes[position] = text[position] }
        }
    }

    /// Nil when the text is no address; names (`AWS Internal`, `cloudtrail.amazonaws.com`) then go to `client.name`.
    init?(_ text: UnsafeRawBufferPointer) {
        guard text.count >= 2, text.count <= 80 else { return nil }
        self.text = InlineText()
        var host = text
        if text[0] == UInt8(ascii: "[") {
            guard let close = text.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            host = text.slice(1..<close)
            if close + 1 < text.count {
                guard text[close + 1] == UInt8(ascii: ":") else { return nil }
                port = Self.port(text.slice(close + 2..<text.count))
            }
        } else if let colon = text.firstIndex(of: UInt8(ascii: ":")), text.lastIndex(of: UInt8(ascii: ":")) == colon {
            host = text.slice(0..<colon)
            port = Self.port(text.slice(colon + 1..<text.count))
        }
        if Self.isIPv4(host) {
            self.text.assign(host)
            return
        }
        if let zone = host.firstIndex(of: UInt8(ascii: "%")) { host = host.slice(0..<zone) }
        guard host.contains(UInt8(ascii: ":")), parseIPv6(host) else { return nil }
    }

    static func isIPv4(_ text: UnsafeRawBufferPointer) -> Bool {
        guard text.count >= 7, text.count <= 15 else { return false }
        var dots = 0
        var value = 0
        var digits = 0
        for byte in text {
            if byte == UInt8(ascii: ".") {
                guard digits > 0 else { return false }
                dots += 1
                value = 0
                digits = 0
                continue
            }
            let digit = byte &- UInt8(ascii: "0")
            guard digit < 10, digits < 3 else { return false }
            value = value * 10 + Int(digit)
            digits += 1
            guard value <= 255 else { return false }
        }
        return dots == 3 && digits > 0
    }

    private static func port(_ text: UnsafeRawBufferPointer) -> UInt16? {
        guard !text.isEmpty, text.count <= 5 else { return nil }
        var value = 0
        for byte in text {
            let digit = byte &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            value = value * 10 + Int(digit)
        }
        return UInt16(exactly: value)
    }

    private mutating func parseIPv6(_ host: UnsafeRawBufferPointer) -> Bool {
        guard host.count < 46 else { return false }
        var source = InlineArray<46, UInt8>(repeating: 0)
        for position in 0..<host.count { source[position] = host[position] }
        var address = InlineArray<16, UInt8>(repeating: 0)
        let isAddress = withUnsafeBytes(of: &source) { text in
            withUnsafeMutableBytes(of: &address) { output in
                guard let text = text.baseAddress, let output = output.baseAddress else { return false }
                return inet_pton(AF_INET6, text.assumingMemoryBound(to: CChar.self), output) == 1
            }
        }
        guard isAddress else { return false }
        var isMapped = address[10] == 0xFF && address[11] == 0xFF
        for position in 0..<10 where address[position] != 0 { isMapped = false }
        if isMapped {
            var output: [UInt8] = []
            for position in 12..<16 {
                if position > 12 { output.append(UInt8(ascii: ".")) }
                output.append(contentsOf: String(address[position]).utf8)
            }
            output.withUnsafeBytes { text.assign($0) }
            return true
        }
        var output = InlineArray<46, UInt8>(repeating: 0)
        let isWritten = withUnsafeBytes(of: &address) { input in
            withUnsafeMutableBytes(of: &output) { output in
                guard let input = input.baseAddress, let output = output.baseAddress else { return false }
                return inet_ntop(AF_INET6, input, output.assumingMemoryBound(to: CChar.self), 46) != nil
            }
        }
        guard isWritten else { return false }
        withUnsafeBytes(of: &output) { bytes in
            text.assign(bytes.slice(0..<(bytes.firstIndex(of: 0) ?? 0)))
        }
        return true
    }
}
