internal import EventModel

/// Hashes and digests as sources write them.
enum HexValue {
    static func isHex(_ text: UnsafeRawBufferPointer) -> Bool {
        text.allSatisfy { isDigit($0) }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        byte &- UInt8(ascii: "0") < 10 || CaseFolding.fold(byte) &- UInt8(ascii: "a") < 6
    }

    /// Rewrites `value` as `alg:hex` in lower case; returns false when it is no digest. Bare hex gets its algorithm from
    /// its length; `@sha256:…` behind a name is found.
    static func makeDigest(_ value: inout [UInt8]) -> Bool {
        if let at = value.lastIndex(of: UInt8(ascii: "@")) { value.removeSubrange(...at) }
        if let colon = value.firstIndex(of: UInt8(ascii: ":")) {
            guard colon > 0, value.count - colon > 32 else { return false }
            return value.withUnsafeMutableBytes { text in
                foldAlgorithm(UnsafeMutableRawBufferPointer(rebasing: text[..<colon]))
                    && foldHex(UnsafeMutableRawBufferPointer(rebasing: text[(colon + 1)...]))
            }
        }
        guard value.withUnsafeMutableBytes({ foldHex($0) }) else { return false }
        let algorithm: StaticString
        switch value.count {
        case 32: algorithm = "md5:"
        case 40: algorithm = "sha1:"
        case 64: algorithm = "sha256:"
        case 96: algorithm = "sha384:"
        case 128: algorithm = "sha512:"
        default: return false
        }
        value.insert(
            contentsOf: UnsafeBufferPointer(start: algorithm.utf8Start, count: algorithm.utf8CodeUnitCount), at: 0)
        return true
    }

    /// Makes hexadecimal digits small; false when there is anything else. In one pass, and without calls: registries send digests
    /// with every event.
    private static func foldHex(_ text: UnsafeMutableRawBufferPointer) -> Bool {
        var isHex = true
        for position in text.indices {
            let small = text[position] | 0x20
            let isLetter = small &- UInt8(ascii: "a") < 6
            isHex = isHex && (isLetter || text[position] &- UInt8(ascii: "0") < 10)
            if isLetter { text[position] = small }
        }
        return isHex
    }

    /// Makes an algorithm's name small; false when it is none.
    private static func foldAlgorithm(_ text: UnsafeMutableRawBufferPointer) -> Bool {
        for position in text.indices {
            guard text[position] != UInt8(ascii: "/"), text[position] > 0x20 else { return false }
            text[position] = CaseFolding.fold(text[position])
        }
        return true
    }

    /// Whether the text is a commit hash: hex, seven digits or more, not all zeros (providers write zeros for "none").
    static func isCommit(_ text: UnsafeRawBufferPointer) -> Bool {
        text.count >= 7 && text.count <= 64 && isHex(text) && !text.allSatisfy { $0 == UInt8(ascii: "0") }
    }
}

extension [UInt8] {
    /// Makes ASCII capitals small.
    mutating func foldCase() {
        withUnsafeMutableBufferPointer { text in
            for position in text.indices { text[position] = CaseFolding.fold(text[position]) }
        }
    }
}
