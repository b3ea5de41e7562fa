/// A modifier that changes the values of a rule when it is loaded (specification: appendix "Modifiers").
enum ValueTransform: String, Sendable {
    case contains, startswith, endswith
    case windash
    case base64, base64offset
    case wide, utf16le, utf16be, utf16

    /// Applies the modifier to one value; several results are alternatives.
    func apply(to pattern: SigmaPattern) throws -> [SigmaPattern] {
        switch self {
        case .contains: [pattern.prepending(.any).appending(.any)]
        case .startswith: [pattern.appending(.any)]
        case .endswith: [pattern.prepending(.any)]
        case .windash: Self.dashVariants(of: pattern)
        case .base64: [SigmaPattern([.literal(Base64Text.encode(try literal(pattern)))])]
        case .base64offset: Self.offsetVariants(of: try literal(pattern))
        case .wide, .utf16le: [try encoded(pattern, bigEndian: false)]
        case .utf16be: [try encoded(pattern, bigEndian: true)]
        case .utf16: [SigmaPattern([.literal([0xFF, 0xFE])] + (try encoded(pattern, bigEndian: false)).parts)]
        }
    }

    private func literal(_ pattern: SigmaPattern) throws -> [UInt8] {
        guard let bytes = pattern.literal else {
            throw DetectionError(.invalidRule, "a wildcard cannot be encoded by \(rawValue)")
        }
        return bytes
    }

    private func encoded(_ pattern: SigmaPattern, bigEndian: Bool) throws -> SigmaPattern {
        let units = String(decoding: try literal(pattern), as: UTF8.self).utf16
        let bytes = units.flatMap { unit in
            let (high, low) = (UInt8(unit >> 8), UInt8(truncatingIfNeeded: unit))
            return bigEndian ? [high, low] : [low, high]
        }
        return SigmaPattern([.literal(bytes)])
    }

    /// The base64 texts of a value at the three positions it can have inside an encoded text, without the characters
    /// that depend on its neighbours.
    private static func offsetVariants(of bytes: [UInt8]) -> [SigmaPattern] {
        (0..<3).map { offset in
            let encoded = Base64Text.encode([UInt8](repeating: 0x20, count: offset) + bytes)
            let start = [0, 2, 3][offset]
            let end = encoded.count - [0, 3, 2][(bytes.count + offset) % 3]
            return SigmaPattern([.literal(start < end ? Array(encoded[start..<end]) : [])])
        }
    }

    private static let dashes = ["-", "/", "–", "—", "―"].map { Array($0.utf8) }
    private static let maximumDashes = 3

    /// Every way to write the options of a command line: a dash or slash that begins a word, and does not follow one,
    /// as each of the five characters that Windows programs take for it.
    private static func dashVariants(of pattern: SigmaPattern) -> [SigmaPattern] {
        var variants: [[SigmaPattern.Part]] = [[]]
        var dashesLeft = maximumDashes
        for part in pattern.parts {
            guard case .literal(let bytes) = part else {
                for index in variants.indices { variants[index].append(part) }
                continue
            }
            var start = 0
            for position in bytes.indices where isOptionDash(bytes, at: position) && dashesLeft > 0 {
                dashesLeft -= 1
                let before = SigmaPattern.Part.literal(Array(bytes[start..<position]))
                variants = variants.flatMap { variant in dashes.map { variant + [before, .literal($0)] } }
                start = position + 1
            }
            for index in variants.indices { variants[index].append(.literal(Array(bytes[start...]))) }
        }
        return variants.map(SigmaPattern.init)
    }

    private static func isOptionDash(_ bytes: [UInt8], at position: Int) -> Bool {
        guard bytes[position] == UInt8(ascii: "-") || bytes[position] == UInt8(ascii: "/") else { return false }
        let followsWord = position > 0 && isWord(bytes[position - 1])
        return !followsWord && position + 1 < bytes.count && isWord(bytes[position + 1])
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        byte >= 0x80 || byte == UInt8(ascii: "_") || byte &- 0x30 < 10 || (byte | 0x20) &- UInt8(ascii: "a") < 26
    }
}

/// Base64 of bytes (RFC 4648 §4).
enum Base64Text {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let value = group.reduce(0) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
            for index in 0..<4 {
                let sextet = Int(value >> UInt32(18 - 6 * index) & 63)
                output.append(index <= group.count ? alphabet[sextet] : UInt8(ascii: "="))
            }
        }
        return output
    }
}
