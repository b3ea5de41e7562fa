internal import Digests

/// The hash functions of RFC 6962, section 2.1 (RFC 9162 has the same), over SHA-256.
package enum MerkleHashing {
    private static let leafPrefix: UInt8 = 0
    private static let nodePrefix: UInt8 = 1
    private static let nodeInputSize = 1 + 2 * TreeHash.byteCount

    /// The root of the tree without leaves: the hash of no bytes.
    package static let emptyRoot = TreeHash(digestOf: UnsafeRawBufferPointer(start: nil, count: 0))

    /// The hash of one entry: `SHA-256(0x00 ‖ entry)`.
    package static func leaf(_ entry: UnsafeRawBufferPointer) -> TreeHash {
        withUnsafeTemporaryAllocation(byteCount: entry.count + 1, alignment: 1) { input in
            input[0] = leafPrefix
            UnsafeMutableRawBufferPointer(rebasing: input[1...]).copyMemory(from: entry)
            return TreeHash(digestOf: UnsafeRawBufferPointer(input))
        }
    }

    /// The hash of two subtrees: `SHA-256(0x01 ‖ left ‖ right)`.
    package static func node(_ left: TreeHash, _ right: TreeHash) -> TreeHash {
        withUnsafeTemporaryAllocation(byteCount: nodeInputSize, alignment: 1) { input in
            input[0] = nodePrefix
            input.storeBytes(of: left, toByteOffset: 1, as: TreeHash.self)
            input.storeBytes(of: right, toByteOffset: 1 + TreeHash.byteCount, as: TreeHash.self)
            return TreeHash(digestOf: UnsafeRawBufferPointer(input))
        }
    }

    /// The root over hashes of equal height, as RFC 6962 forms it: `MTH`, given its leaves' hashes.
    ///
    /// - Complexity: O(*n*) hashes; pairs are merged level by level, an odd one out moves up unchanged, which gives the
    ///   same tree as splitting at the largest power of two.
    package static func root(_ hashes: [TreeHash]) -> TreeHash {
        guard !hashes.isEmpty else { return emptyRoot }
        var digests = DigestQueue(capacity: hashes.count / 2)
        var row = hashes
        while row.count > 1 { row = parents(of: row, &digests) }
        return row[0]
    }

    /// The hashes one level up.
    private static func parents(of row: [TreeHash], _ digests: inout DigestQueue) -> [TreeHash] {
        let pairs = row.count / 2
        // What is no pair moves up unchanged.
        var parents = Array(row[pairs...])
        withUnsafeBytes(of: nodePrefix) { prefix in
            row.withUnsafeBytes { row in
                parents.withUnsafeMutableBytes { parents in
                    for pair in 0..<pairs {
                        digests.add(
                            head: prefix,
                            body: UnsafeRawBufferPointer(rebasing: row[pair * 64..<pair * 64 + 64]),
                            digest: parents.baseAddress! + pair * TreeHash.byteCount)
                    }
                    digests.run()
                }
            }
        }
        return parents
    }
}

extension TreeHash {
    /// The digest of `head ‖ body`.
    init(
        digestOf body: UnsafeRawBufferPointer,
        after head: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
    ) {
        self = .zero
        withUnsafeMutableBytes { MessageDigest.write(of: body, after: head, to: $0.baseAddress!) }
    }
}
