internal import Digests

/// Event roots that are computed together: group hashes of all events at hand in one go, then the roots over them.
///
/// What a root is, ``EventCommitment`` says. The queue keeps pointers: the groups' bytes must stay where they are until
/// ``finish(_:)`` returns. It allocates when it is made, and nothing afterwards.
package struct CommitmentQueue: ~Copyable {
    /// Events that can wait at once: few enough that what is written for them stays in the first cache.
    package static let capacity = 32

    private typealias Commitment = EventCommitment

    /// Of each event: what is hashed before the bytes of each of its groups, what is hashed for its root, and the root.
    private let memory: UnsafeMutableRawPointer
    private var digests: DigestQueue
    private var count = 0

    private static let inputStart = Commitment.groupCount * Commitment.groupPrefixSize
    private static let rootStart = inputStart + Commitment.eventInputSize
    private static let eventBytes = rootStart + TreeHash.byteCount

    package init() {
        digests = DigestQueue(capacity: Self.capacity * Commitment.groupCount)
        memory = .allocate(byteCount: Self.capacity * Self.eventBytes, alignment: 8)
        for number in 0..<Self.capacity {
            let event = memory + number * Self.eventBytes
            for group in 0..<Commitment.groupCount {
                let prefix = event + group * Commitment.groupPrefixSize
                Commitment.copy(Commitment.groupLabel, to: prefix)
                prefix.storeBytes(of: UInt8(group), toByteOffset: Commitment.labelSize, as: UInt8.self)
            }
            Commitment.copy(Commitment.eventLabel, to: event + Self.inputStart)
        }
    }

    deinit { memory.deallocate() }

    package var isFull: Bool { count == Self.capacity }

    /// Adds an event.
    ///
    /// - Precondition: The queue is not full. `salts` holds the six salts in group order, 96 bytes, which are copied.
    package mutating func add(_ groups: CommittedGroups, salts: UnsafeRawBufferPointer) {
        precondition(!isFull, "the queue is full")
        precondition(salts.count == Commitment.groupCount * Commitment.saltSize, "six salts of 16 bytes")
        add(0, groups.envelope, salts)
        add(1, groups.actor, salts)
        add(2, groups.network, salts)
        add(3, groups.resource, salts)
        add(4, groups.text, salts)
        add(5, groups.raw, salts)
        count += 1
    }

    private mutating func add(_ group: Int, _ bytes: UnsafeRawBufferPointer, _ salts: UnsafeRawBufferPointer) {
        let event = memory + count * Self.eventBytes
        let prefix = event + group * Commitment.groupPrefixSize
        let salt = UnsafeRawBufferPointer(
            rebasing: salts[group * Commitment.saltSize..<(group + 1) * Commitment.saltSize])
        UnsafeMutableRawBufferPointer(start: prefix + Commitment.labelSize + 1, count: Commitment.saltSize)
            .copyMemory(from: salt)
        digests.add(
            head: UnsafeRawBufferPointer(start: prefix, count: Commitment.groupPrefixSize), body: bytes,
            digest: event + Self.inputStart + Commitment.labelSize + group * TreeHash.byteCount)
    }

    /// Hands the roots of the events that were added to `body`, in their order, and empties the queue.
    package mutating func finish(_ body: (TreeHash) -> Void) {
        digests.run()
        let waiting = count
        count = 0
        for number in 0..<waiting {
            let event = memory + number * Self.eventBytes
            digests.add(
                body: UnsafeRawBufferPointer(start: event + Self.inputStart, count: Commitment.eventInputSize),
                digest: event + Self.rootStart)
        }
        digests.run()
        for number in 0..<waiting {
            let root = memory + number * Self.eventBytes + Self.rootStart
            body(TreeHash(copying: UnsafeRawBufferPointer(start: root, count: TreeHash.byteCount)))
        }
    }
}
