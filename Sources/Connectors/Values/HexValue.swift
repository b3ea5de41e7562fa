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
        value.foldCase()
        if let colon = value.firstIndex(of: UInt8(ascii: ":")) {
            let hex = value[(colon + 1)...]
            return colon > 0 && hex.count >= 32 && hex.allSatisfy(isDigit)
                && value[..<colon].allSatisfy { $0 != UInt8(ascii: "/") && $0 > 0x20 }
        }
        guard value.allSatisfy(isDigit) else { return false }
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
