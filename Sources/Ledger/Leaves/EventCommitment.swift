internal import Digests

/// The canonical bytes of an event's six redaction groups, in the order of their numbers.
package struct CommittedGroups {
    package var envelope: UnsafeRawBufferPointer
    package var actor: UnsafeRawBufferPointer
    package var network: UnsafeRawBufferPointer
    package var resource: UnsafeRawBufferPointer
    package var text: UnsafeRawBufferPointer
    package var raw: UnsafeRawBufferPointer

    package init(
        envelope: UnsafeRawBufferPointer, actor: UnsafeRawBufferPointer, network: UnsafeRawBufferPointer,
        resource: UnsafeRawBufferPointer, text: UnsafeRawBufferPointer, raw: UnsafeRawBufferPointer
    ) {
        self.envelope = envelope
        self.actor = actor
        self.network = network
        self.resource = resource
        self.text = text
        self.raw = raw
    }
}

/// How an event becomes 32 bytes from which nothing can be guessed, and one group of it can be shown alone.
///
/// Group hash: `SHA-256("custody/group/v1" ‖ group number ‖ salt[16] ‖ canonical bytes)`. Event root:
/// `SHA-256("custody/event/v1" ‖ the six group hashes)`. All fields before the bytes have fixed lengths, so no two
/// inputs are spelled alike. Whoever holds a group's bytes and salt, and the other five hashes, can check the root.
package enum EventCommitment {
    /// The number of redaction groups: envelope, actor, network, resource, text, raw.
    package static let groupCount = 6
    /// The bytes of one group's salt.
    package static let saltSize = 16

    static let groupLabel: StaticString = "custody/group/v1"
    static let eventLabel: StaticString = "custody/event/v1"
    static let labelSize = 16
    static let groupPrefixSize = labelSize + 1 + saltSize
    static let eventInputSize = labelSize + groupCount * TreeHash.byteCount

    /// Writes the event root.
    ///
    /// - Parameter salts: the six salts in group order, 96 bytes.
    /// - Precondition: `salts` holds 96 bytes and `root` has room for exactly 32.
    /// - Complexity: seven digests; allocates nothing. ``CommitmentQueue`` makes the roots of many events in half the time.
    package static func root(
        of groups: CommittedGroups, salts: UnsafeRawBufferPointer, into root: UnsafeMutableRawBufferPointer
    ) {
        precondition(salts.count == groupCount * saltSize, "six salts of 16 bytes")
        precondition(root.count == TreeHash.byteCount, "a root has 32 bytes")
        withUnsafeTemporaryAllocation(byteCount: eventInputSize, alignment: 8) { input in
            copy(eventLabel, to: input.baseAddress!)
            func add(_ group: Int, _ bytes: UnsafeRawBufferPointer) {
                let salt = UnsafeRawBufferPointer(rebasing: salts[group * saltSize..<(group + 1) * saltSize])
                let hash = groupHash(group: UInt8(group), salt: salt, bytes: bytes)
                input.storeBytes(of: hash, toByteOffset: labelSize + group * TreeHash.byteCount, as: TreeHash.self)
            }
            add(0, groups.envelope)
            add(1, groups.actor)
            add(2, groups.network)
            add(3, groups.resource)
            add(4, groups.text)
            add(5, groups.raw)
            root.storeBytes(of: TreeHash(digestOf: UnsafeRawBufferPointer(input)), as: TreeHash.self)
        }
    }

    /// The hash of one group.
    ///
    /// - Precondition: `salt` holds 16 bytes.
    package static func groupHash(
        group: UInt8, salt: UnsafeRawBufferPointer, bytes: UnsafeRawBufferPointer
    ) -> TreeHash {
        precondition(salt.count == saltSize, "a salt has 16 bytes")
        return withUnsafeTemporaryAllocation(byteCount: groupPrefixSize, alignment: 8) { prefix in
            copy(groupLabel, to: prefix.baseAddress!)
            prefix[labelSize] = group
            UnsafeMutableRawBufferPointer(rebasing: prefix[(labelSize + 1)...]).copyMemory(from: salt)
            return TreeHash(digestOf: bytes, after: UnsafeRawBufferPointer(prefix))
        }
    }

    /// The event root over six group hashes.
    ///
    /// - Throws: ``LedgerError/Code/malformed`` unless there are six.
    package static func root(groupHashes: [TreeHash]) throws -> TreeHash {
        guard groupHashes.count == groupCount else {
            throw LedgerError(.malformed, "an event has \(groupCount) group hashes, not \(groupHashes.count)")
        }
        return withUnsafeTemporaryAllocation(byteCount: labelSize, alignment: 8) { label in
            copy(eventLabel, to: label.baseAddress!)
            return TreeHash.bytes(of: groupHashes).withUnsafeBytes {
                TreeHash(digestOf: $0, after: UnsafeRawBufferPointer(label))
            }
        }
    }

    /// The event root from one disclosed group and the hashes of the other five, in group order.
    ///
    /// Compare the result with the root of the leaf's entry: when they are equal, the group held these bytes.
    /// - Throws: ``LedgerError/Code/malformed`` for a group number above 5, a salt not of 16 bytes, or other than five
    ///   hashes.
    package static func root(
        disclosing group: UInt8, salt: [UInt8], bytes: [UInt8], otherHashes: [TreeHash]
    ) throws -> TreeHash {
        guard group < groupCount else { throw LedgerError(.malformed, "there is no group \(group)") }
        guard salt.count == saltSize else { throw LedgerError(.malformed, "a salt has \(saltSize) bytes") }
        guard otherHashes.count == groupCount - 1 else {
            throw LedgerError(.malformed, "\(groupCount - 1) other group hashes are needed, not \(otherHashes.count)")
        }
        let disclosed = salt.withUnsafeBytes { salt in
            bytes.withUnsafeBytes { groupHash(group: group, salt: salt, bytes: $0) }
        }
        var hashes = otherHashes
        hashes.insert(disclosed, at: Int(group))
        return try root(groupHashes: hashes)
    }

    static func copy(_ label: StaticString, to target: UnsafeMutableRawPointer) {
        target.copyMemory(from: label.utf8Start, byteCount: labelSize)
    }
}
