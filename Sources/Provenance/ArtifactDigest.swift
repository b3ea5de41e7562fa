/// The digest of an artifact: algorithm and lower-case hexadecimal, as events and lineage name it (`sha256:9f2c…`).
package struct ArtifactDigest: Hashable, Sendable, CustomStringConvertible {
    package let algorithm: String
    package let hex: String

    /// Hexadecimal digits of the algorithms whose length is known.
    private static let lengths = [
        "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128, "gitcommit": 40, "gittree": 40,
    ]

    /// - Throws: ``ProvenanceError`` `malformedDigest`.
    package init(algorithm: String, hex: String) throws {
        let algorithm = algorithm.lowercased()
        let hex = hex.lowercased()
        let isHex = !hex.isEmpty && hex.utf8.count % 2 == 0 && hex.utf8.allSatisfy(Self.isDigit)
        guard !algorithm.isEmpty, isHex else {
            throw ProvenanceError(.malformedDigest, "a digest is an algorithm and an even number of hexadecimal digits")
        }
        // Commits and trees may be named by SHA-1 or SHA-256.
        let isGit = algorithm.hasPrefix("git")
        if let length = Self.lengths[algorithm], hex.utf8.count != length, !(isGit && hex.utf8.count == 64) {
            throw ProvenanceError(.malformedDigest, "a digest of \(algorithm) has \(length) hexadecimal digits")
        }
        self.algorithm = algorithm
        self.hex = hex
    }

    /// Reads `sha256:9f2c…`.
    package init(parsing text: String) throws {
        guard let colon = text.firstIndex(of: ":") else {
            throw ProvenanceError(.malformedDigest, "a digest is written ALGORITHM:HEX")
        }
        try self.init(algorithm: String(text[..<colon]), hex: String(text[text.index(after: colon)...]))
    }

    package var description: String { "\(algorithm):\(hex)" }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}
