import AccessControl
import Crypto
import EventModel
import EventStore
import Foundation
import Intake
import Journal
import Ledger
import Synchronization

/// The server's side of the system leaves: commits them, in the one order with all events, and knows what they add up to.
final class SystemLeaves: Sendable {
    /// A leaf to be.
    struct Proposal: Sendable {
        let document: SystemDocument
        /// Who does what, for the fields that people search by.
        let entry: AuditEntry
    }

    private struct State {
        var history: AuthorityHistory
        var leaves: [SystemLeaf]
    }

    private let state: Mutex<State>
    private let ledger: VerifierKey
    private let formerKeys: [VerifierKey]
    private let intake: IntakePipeline
    let now: @Sendable () -> Timestamp

    /// - Parameters:
    ///   - formerly: Keys that the ledger had before, those of logs that it goes on for included.
    ///   - leaves: All that there are, in ascending order.
    init(
        ledger: VerifierKey, formerly: [VerifierKey] = [], leaves: [SystemLeaf], intake: IntakePipeline,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.ledger = ledger
        formerKeys = formerly
        self.intake = intake
        self.now = now
        var history = AuthorityHistory(ledger: ledger, formerly: formerly)
        for leaf in leaves { history.apply(leaf) }
        state = Mutex(State(history: history, leaves: leaves))
    }

    var history: AuthorityHistory { state.withLock { $0.history } }

    /// What keeps a document from having the authority that it claims, if it were committed now.
    func objection(to document: SystemDocument) -> RecordError? {
        var history = history
        return history.apply(
            SystemLeaf(
                index: intake.committer.end.rawValue, kind: document.type.leafKind, received: now().milliseconds,
                document: document))
    }

    /// Makes leaves of documents. When this returns they are durable and in ``history``.
    ///
    /// - Parameter beginsJournalFile: What is older can then be removed from the journal.
    /// - Returns: their indexes, in order.
    @discardableResult
    func commit(_ proposals: [Proposal], beginsJournalFile: Bool = false) async throws -> [UInt64] {
        guard !proposals.isEmpty else { return [] }
        let received = now()
        let origin = EventOrigin(
            name: OwnAudit.source, retentionClass: RetentionClass.records, verified: "signature")
        var builder = BatchBuilder(origin: origin, received: received, keyer: intake.keyer)
        var record = EventRecord()
        for (position, proposal) in proposals.enumerated() {
            record.removeAll()
            proposal.entry.fill(&record)
            try proposal.document.encoded().withUnsafeBytes {
                builder.add(
                    &record, payload: $0, position: position, part: nil,
                    kind: proposal.document.type.leafKind.rawValue)
            }
        }
        let answer = try await intake.submitOwn(try builder.finish(), beginsJournalFile: beginsJournalFile)
        let indexes = answer.outcomes.compactMap { outcome -> UInt64? in
            if case .accepted(let index) = outcome.outcome { index.rawValue } else { nil }
        }
        note(
            zip(indexes, proposals).map { index, proposal in
                SystemLeaf(
                    index: index, kind: proposal.document.type.leafKind, received: received.milliseconds,
                    document: proposal.document)
            })
        return indexes
    }

    private func note(_ leaves: [SystemLeaf]) {
        state.withLock { state in
            let last = state.leaves.last?.index
            state.leaves += leaves
            guard let first = leaves.first, let last, first.index < last else {
                for leaf in leaves { state.history.apply(leaf) }
                return
            }
            // Two commits came back in another order than they were made in.
            state.leaves.sort { $0.index < $1.index }
            state.history = AuthorityHistory(ledger: ledger, formerly: formerKeys)
            for leaf in state.leaves { state.history.apply(leaf) }
        }
    }
}

extension SystemLeaves {
    /// The system leaves of what is stored, in ascending order.
    ///
    /// - Parameter first: where to begin in the journal; by default with all that it holds.
    /// - Throws: when a segment or the journal cannot be read.
    static func stored(
        in segments: [SegmentReader], _ journal: JournalReader, from first: UInt64? = nil
    ) throws -> [SystemLeaf] {
        var found: [UInt64: SystemLeaf] = [:]
        for segment in segments where segment.partition.retentionClass == RetentionClass.records {
            try segment.withRecords(0..<segment.rowCount) { row, view in
                let index = try segment.leafIndex(ofRow: row).rawValue
                found[index] = SystemLeaf(view, at: index)
                return true
            }
        }
        let first = first ?? journal.indexes.lowerBound
        try journal.read(from: first, where: { $0.retentionClass == RetentionClass.records }) { batch in
            try batch.records.bytes.withUnsafeBytes { bytes in
                for position in 0..<batch.records.count {
                    let index = batch.firstIndex + UInt64(position)
                    found[index] = SystemLeaf(try SealedView(bytes.slice(batch.records.range(of: position))), at: index)
                }
            }
        }
        return found.values.sorted { $0.index < $1.index }
    }
}
