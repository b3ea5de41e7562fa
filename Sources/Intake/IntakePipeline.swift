package import Connectors
package import EventModel
import Synchronization

/// What became of a delivery.
package struct IntakeAnswer: Sendable {
    /// Of each event that was read, its position in the delivery and what became of it, in order.
    package let outcomes: [(position: Int, outcome: CommitOutcome)]
    package let rejected: [RejectedEntry]

    package var accepted: Int {
        outcomes.reduce(0) { if case .accepted = $1.outcome { $0 + 1 } else { $0 } }
    }

    package var duplicates: Int { outcomes.count - accepted }

    /// The indexes of the new events, or, when there is none, those of the originals.
    package var indexes: ClosedRange<LeafIndex>? {
        var fresh: [LeafIndex] = []
        var originals: [LeafIndex] = []
        for (_, outcome) in outcomes {
            switch outcome {
            case .accepted(let index): fresh.append(index)
            case .duplicate(let index): originals.append(index)
            }
        }
        let indexes = fresh.isEmpty ? originals : fresh
        guard let first = indexes.min(), let last = indexes.max() else { return nil }
        return first...last
    }
}

/// The only write path: limit → normalise → redact → deduplicate → commit → acknowledge.
///
/// Authentication comes before it: a ``DeliverySource`` says how a delivery was verified.
package final class IntakePipeline: Sendable {
    /// How long a reading of the free disk space is used.
    private static let freeSpaceAge = Duration.milliseconds(500)
    /// Below so many times the reserve every delivery looks for itself: half a second of deliveries could fill the rest.
    private static let plentyOfReserves: UInt64 = 8

    package let limits: IntakeLimits
    package let admission: Admission
    package let committer: Committer
    package let keyer: DeliveryKeyer
    /// Of sealed events.
    package let batchMemory = BatchMemory()
    /// Of deliveries' bodies, for those who read them.
    package let bodyMemory = BatchMemory()
    private let freeBytes: @Sendable () throws -> UInt64
    private let freeSpace = Mutex<(bytes: UInt64, read: ContinuousClock.Instant)?>(nil)

    /// - Parameter freeBytes: The room left on the disk of the journal.
    package init(
        committer: Committer, keyer: DeliveryKeyer, limits: IntakeLimits,
        freeBytes: @escaping @Sendable () throws -> UInt64
    ) {
        self.committer = committer
        self.keyer = keyer
        self.limits = limits
        self.freeBytes = freeBytes
        admission = Admission(limit: limits.unfinishedBytes)
    }

    /// Takes a delivery. When this returns, everything accepted survives power loss and has its final index.
    ///
    /// - Parameters:
    ///   - catalogue: Recognises events of sources without a connector of their own.
    ///   - enrichment: What is known beside what the payloads say.
    ///   - deliveryID: The sender's idempotency key, for events that bring no id.
    /// - Throws: ``IntakeError``: nothing of the delivery was kept.
    package func submit(
        _ delivery: Delivery, from source: DeliverySource, catalogue: ConnectorCatalogue,
        enrichment: Enrichment = .none, deliveryID: String? = nil
    ) async throws -> IntakeAnswer {
        guard delivery.body.count <= limits.deliveryBytes else {
            throw IntakeError(.tooLarge, "a delivery has at most \(limits.deliveryBytes) bytes")
        }
        try checkDisk()
        // Body, sealed events and their page are in memory together; an empty delivery still costs something.
        let admitted = try await admission.admit(delivery.body.count * 3 + 4_096)
        let preparer = DeliveryPreparer(
            catalogue: catalogue, enrichment: enrichment, keyer: keyer, limits: limits, memory: batchMemory,
            counters: committer.counters,
            earlierUse: { [committer] in committer.earlierUse(of: $0, payload: $1) })
        let batch = try preparer.prepare(delivery, from: source, deliveryID: deliveryID)
        committer.counters.rejected.add(batch.rejected.count, ordering: .relaxed)
        return try await commit(batch, admitted: admitted)
    }

    /// Commits events that Custody wrote itself. They are never refused for want of memory or disk reserve.
    ///
    /// - Parameter beginsJournalFile: See ``Committer/commit(_:admitted:beginsFile:)``.
    package func submitOwn(_ batch: PreparedBatch, beginsJournalFile: Bool = false) async throws -> IntakeAnswer {
        try await commit(batch, admitted: nil, beginsFile: beginsJournalFile)
    }

    private func commit(
        _ batch: PreparedBatch, admitted: Admitted?, beginsFile: Bool = false
    ) async throws -> IntakeAnswer {
        let outcomes = try await committer.commit(batch, admitted: admitted, beginsFile: beginsFile)
        return IntakeAnswer(
            outcomes: zip(batch.positions, outcomes).map { ($0, $1) }, rejected: batch.rejected)
    }

    /// Refuses before the reserve is touched that audit events, logins and retention need (invariant 8).
    private func checkDisk() throws {
        let now = ContinuousClock.now
        let reserve = UInt64(limits.reservedDiskBytes ?? IntakeLimits.reservedDiskBytes)
        let free = try freeSpace.withLock { known in
            if let known, known.bytes > reserve * Self.plentyOfReserves, now - known.read < Self.freeSpaceAge {
                return known.bytes
            }
            let bytes = try freeBytes()
            known = (bytes, now)
            return bytes
        }
        // What is admitted has yet to be written, to the journal and to the segments.
        guard free > reserve + UInt64(admission.usedBytes) else {
            throw IntakeError(.diskFull, "the disk is full but for the reserve")
        }
    }
}
