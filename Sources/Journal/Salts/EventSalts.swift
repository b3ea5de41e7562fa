/// The salts of one event: one of 16 bytes for each of its six redaction groups, held inline.
///
/// For the pair `p` of 0, 1 and 2, `SHA-256("custody/salt/v1" ‖ p ‖ key)` is the salt of group `2p` followed by that of
/// group `2p + 1`. One salt tells nothing of the others. (docs/format, "Journal", part "Salts".)
package struct EventSalts: Sendable, Hashable {
    /// Redaction groups of an event.
    package static let groups = 6
    /// Bytes of one salt.
    package static let saltBytes = 16
    /// Hashes that give the salts, two each.
    static let pairs = groups / 2
    /// Bytes of an event's salts together.
    package static let byteCount = groups * saltBytes

    private let hashes: (Bytes32, Bytes32, Bytes32)

    /// The salts that follow from an event's key.
    package init(key: Bytes32) {
        hashes = (LabelledHash.saltPair(0, key), LabelledHash.saltPair(1, key), LabelledHash.saltPair(2, key))
    }

    /// Calls `body` with the 16 bytes of a group's salt.
    package func withSalt<Result>(
        ofGroup group: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        precondition(group >= 0 && group < Self.groups)
        return try withUnsafeBytes {
            try body(UnsafeRawBufferPointer(rebasing: $0[group * Self.saltBytes..<(group + 1) * Self.saltBytes]))
        }
    }

    /// Calls `body` with all 96 bytes, in the order of the groups.
    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try Swift.withUnsafeBytes(of: hashes, body)
    }

    /// A group's salt as an array.
    package func salt(ofGroup group: Int) -> [UInt8] { withSalt(ofGroup: group) { Array($0) } }

    package static func == (left: Self, right: Self) -> Bool {
        left.hashes == right.hashes
    }

    package func hash(into hasher: inout Hasher) {
        withUnsafeBytes { hasher.combine(bytes: $0) }
    }
}
