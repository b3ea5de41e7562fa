internal import Crypto

/// The hash functions of RFC 6962, section 2.1 (RFC 9162 has the same), over SHA-256.
package enum MerkleHashing {
    private static let leafPrefix: UInt8 = 0
    private static let nodePrefix: UInt8 = 1
    private static let nodeInputSize = 1 + 2 * TreeHash.byteCount

    /// The root of the tree without leaves: the hash of no bytes.
    package static let emptyRoot = TreeHash(SHA256().finalize())

    /// The hash of one entry: `SHA-256(0x00 ‖ entry)`.
    package static func leaf(_ entry: UnsafeRawBufferPointer) -> TreeHash {
        withUnsafeTemporaryAllocation(byteCount: entry.count + 1, alignment: 1) { input in
            input[0] = leafPrefix
            UnsafeMutableRawBufferPointer(rebasing: input[1...]).copyMemory(from: entry)
            return digest(UnsafeRawBufferPointer(input))
        }
    }

    /// The hash of two subtrees: `SHA-256(0x01 ‖ left ‖ right)`.
    package static func node(_ left: TreeHash, _ right: TreeHash) -> TreeHash {
        withUnsafeTemporaryAllocation(byteCount: nodeInputSize, alignment: 1) { input in
            input[0] = nodePrefix
            input.storeBytes(of: left, toByteOffset: 1, as: TreeHash.self)
            input.storeBytes(of: right, toByteOffset: 1 + TreeHash.byteCount, as: TreeHash.self)
            return digest(UnsafeRawBufferPointer(input))
        }
    }

    /// The root over hashes of equal height, as RFC 6962 forms it: `MTH`, given its leaves' hashes.
    ///
    /// - Complexity: O(*n*) hashes; pairs are merged level by level in one array, an odd one out moves up unchanged,
    ///   which gives the same tree as splitting at the largest power of two.
    package static func root(_ hashes: [TreeHash]) -> TreeHash {
        guard !hashes.isEmpty else { return emptyRoot }
        var row = hashes
        var count = row.count
        while count > 1 {
            let pairs = count / 2
            for pair in 0..<pairs {
                row[pair] = node(row[2 * pair], row[2 * pair + 1])
            }
            if count.isMultiple(of: 2) {
                count = pairs
            } else {
                row[pairs] = row[count - 1]
                count = pairs + 1
            }
        }
        return row[0]
    }

    private static func digest(_ input: UnsafeRawBufferPointer) -> TreeHash {
        var function = SHA256()
        function.update(bufferPointer: input)
        return TreeHash(function.finalize())
    }
}

extension TreeHash {
    init(_ digest: SHA256Digest) {
        self = digest.withUnsafeBytes { TreeHash(copying: $0) }
    }
}
