/// A SHA-256 digest: a leaf hash, a node, a root, an event root or a group hash.
///
/// Stored inline, so that an array of them is the bytes of a tile.
package struct TreeHash: Hashable, Sendable, BitwiseCopyable {
    /// The number of bytes in a hash.
    package static let byteCount = 32

    private var words: (UInt64, UInt64, UInt64, UInt64)

    /// All zeros; a place to write a hash to.
    package static let zero = TreeHash(words: (0, 0, 0, 0))

    private init(words: (UInt64, UInt64, UInt64, UInt64)) {
        self.words = words
    }

    /// Copies 32 bytes.
    ///
    /// - Precondition: `bytes` holds exactly 32 bytes.
    package init(copying bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count == Self.byteCount, "a hash has 32 bytes")
        words = bytes.loadUnaligned(as: (UInt64, UInt64, UInt64, UInt64).self)
    }

    /// Reads a hash from bytes of any origin; `nil` unless there are exactly 32.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self = .zero
        withUnsafeMutableBytes { $0.copyBytes(from: bytes) }
    }

    /// The 32 bytes.
    package var bytes: [UInt8] { withUnsafeBytes { Array($0) } }

    /// Lowercase hexadecimal.
    package var hex: String { LowercaseHex.encode(bytes) }

    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try Swift.withUnsafeBytes(of: words, body)
    }

    package mutating func withUnsafeMutableBytes<Result>(
        _ body: (UnsafeMutableRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        try Swift.withUnsafeMutableBytes(of: &words, body)
    }

    package static func == (left: TreeHash, right: TreeHash) -> Bool {
        left.words == right.words
    }

    package func hash(into hasher: inout Hasher) {
        // A digest is uniformly distributed: one word of it is enough for a hash table.
        hasher.combine(words.0)
    }
}

extension TreeHash {
    /// The hashes that a tile's bytes hold.
    ///
    /// - Throws: ``LedgerError/Code/malformed`` when the length is no multiple of 32.
    package static func list(_ bytes: [UInt8]) throws -> [TreeHash] {
        guard bytes.count.isMultiple(of: byteCount) else {
            throw LedgerError(.malformed, "\(bytes.count) bytes are not a sequence of 32-byte hashes")
        }
        return bytes.withUnsafeBytes { raw in
            (0..<raw.count / byteCount).map {
                TreeHash(copying: .init(rebasing: raw[$0 * byteCount..<($0 + 1) * byteCount]))
            }
        }
    }

    /// The bytes of a sequence of hashes: the format of a tile.
    package static func bytes(of hashes: some Collection<TreeHash>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(hashes.count * byteCount)
        for hash in hashes {
            hash.withUnsafeBytes { bytes.append(contentsOf: $0) }
        }
        return bytes
    }
}
