import EventModel

/// JSON Web Tokens: three runs of base64url, of which the first is a JSON object with `alg` (RFC 7519 §3, RFC 7515 §4.1.1).
enum JSONWebToken {
    /// Characters of a header. Real ones have some sixty to three hundred; a longer one would have to hold a certificate chain.
    private static let maximumHeader = 1_024

    static func match(_ text: UnsafeRawBufferPointer, at start: Int) -> Range<Int>? {
        guard start == 0 || !CharacterClass.isWord(text[start - 1]), text[start] == UInt8(ascii: "e") else {
            return nil
        }
        var position = start
        let header = run(text, &position, limit: maximumHeader)
        // The header first: nothing behind it is read for text that only begins like a token, however often it does.
        guard header.count >= 12, dot(text, &position),
            let decoded = Base64Text.decode(text.slice(header), limit: maximumHeader),
            decoded.first == UInt8(ascii: "{"),
            decoded.last == UInt8(ascii: "}"), String(decoding: decoded, as: UTF8.self).contains("\"alg\"")
        else { return nil }
        let payload = run(text, &position)
        guard payload.count >= 8, dot(text, &position) else { return nil }
        // The signature may be cut off in a log: that does not make the rest harmless.
        _ = run(text, &position)
        // A JWE has two parts more (RFC 7516 §3.1).
        for _ in 0..<2 where position + 1 < text.count && text[position] == UInt8(ascii: ".") {
            guard CharacterClass.isBase64URL(text[position + 1]) else { break }
            position += 1
            _ = run(text, &position)
        }
        return start..<position
    }

    private static func run(
        _ text: UnsafeRawBufferPointer, _ position: inout Int, limit: Int = .max
    ) -> Range<Int> {
        let start = position
        let end = limit < text.count - start ? start + limit : text.count
        while position < end, CharacterClass.isBase64URL(text[position]) { position += 1 }
        return start..<position
    }

    private static func dot(_ text: UnsafeRawBufferPointer, _ position: inout Int) -> Bool {
        guard position < text.count, text[position] == UInt8(ascii: ".") else { return false }
        position += 1
        return true
    }
}

/// `user:password` in base64 (RFC 7617 §2).
enum BasicCredential {
    static func isOne(_ text: UnsafeRawBufferPointer) -> Bool {
        guard text.count >= 4, let decoded = Base64Text.decode(text, limit: 1_024) else { return false }
        return decoded.contains(UInt8(ascii: ":")) && decoded.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }
}

/// Base64 of both alphabets (RFC 4648 §4, §5), with and without padding.
enum Base64Text {
    /// nil for anything else, or for more than `limit` characters.
    static func decode(_ text: UnsafeRawBufferPointer, limit: Int) -> [UInt8]? {
        guard text.count <= limit else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count * 3 / 4)
        var bits: UInt32 = 0
        var count = 0
        var isPadded = false
        for byte in text {
            if byte == UInt8(ascii: "=") {
                isPadded = true
                continue
            }
            guard !isPadded, let value = value(of: byte) else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 6
            guard count >= 8 else { continue }
            count -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        }
        return bytes
    }

    private static func value(of byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
        case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
        default: nil
        }
    }
}

/// Tokens with a short beginning and a shape that has to be checked whole.
enum ShapedToken {
    static func match(_ text: UnsafeRawBufferPointer, at position: Int) -> (range: Range<Int>, kind: SecretKind)? {
        switch text[position] {
        case UInt8(ascii: "S"): sendGrid(text, position).map { ($0, .sendgrid) }
        case UInt8(ascii: "s"): secretKey(text, position)
        case UInt8(ascii: ":"): telegram(text, position).map { ($0, .telegram) }
        case UInt8(ascii: "l"): terraform(text, position).map { ($0, .terraform) }
        default: nil
        }
    }

    /// `SG.` and runs of 22 and 43 characters.
    private static func sendGrid(_ text: UnsafeRawBufferPointer, _ start: Int) -> Range<Int>? {
        guard starts(text, start, "SG.", isWhole: true) else { return nil }
        let first = runEnd(text, start + 3)
        guard first - start - 3 >= 16, first < text.count, text[first] == UInt8(ascii: ".") else { return nil }
        let end = runEnd(text, first + 1)
        return end - first - 1 >= 32 ? start..<end : nil
    }

    /// `sk-` and 20 or more characters, among them a capital and a digit: `sk-learn-pipeline-…` is none.
    private static func secretKey(_ text: UnsafeRawBufferPointer, _ start: Int) -> (Range<Int>, SecretKind)? {
        guard starts(text, start, "sk-", isWhole: true) else { return nil }
        let end = runEnd(text, start + 3)
        let run = text.slice(start + 3..<end)
        guard run.count >= 20, run.contains(where: { CharacterClass.isDigit($0) }),
            run.contains(where: { $0 &- UInt8(ascii: "A") < 26 })
        else { return nil }
        return (start..<end, starts(text, start, "sk-ant-", isWhole: true) ? .anthropic : .openai)
    }

    /// Eight to ten digits, `:AA` and 33 characters.
    private static func telegram(_ text: UnsafeRawBufferPointer, _ colon: Int) -> Range<Int>? {
        guard starts(text, colon, ":AA", isWhole: false) else { return nil }
        var start = colon
        while start > 0, text[start - 1] &- UInt8(ascii: "0") < 10 { start -= 1 }
        let end = runEnd(text, colon + 1)
        guard (8...10).contains(colon - start), end - colon - 1 == 35 else { return nil }
        return start..<end
    }

    /// 14 characters, `.atlasv1.` and 60 or more.
    private static func terraform(_ text: UnsafeRawBufferPointer, _ position: Int) -> Range<Int>? {
        let dot = position - 3
        guard dot >= 14, starts(text, dot, ".atlasv1.", isWhole: false) else { return nil }
        var start = dot
        while start > 0, CharacterClass.isAlphanumeric(text[start - 1]) { start -= 1 }
        let end = runEnd(text, dot + 9)
        return dot - start >= 10 && end - dot - 9 >= 40 ? start..<end : nil
    }

    private static func starts(
        _ text: UnsafeRawBufferPointer, _ position: Int, _ literal: StaticString, isWhole: Bool
    ) -> Bool {
        let end = position + literal.utf8CodeUnitCount
        return end <= text.count && text.slice(position..<end).hasSameBytes(as: literal)
            && (!isWhole || position == 0
                || !CharacterClass.isWord(text[position - 1]) && text[position - 1] != UInt8(ascii: "-"))
    }

    private static func runEnd(_ text: UnsafeRawBufferPointer, _ start: Int) -> Int {
        var end = start
        while end < text.count, CharacterClass.isBase64URL(text[end]) { end += 1 }
        return end
    }
}
