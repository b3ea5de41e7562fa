package import EventModel
import Foundation
package import Ledger

/// The tree as a view: integrates entries in order and publishes a checkpoint about once a second when there is news.
///
/// With witnesses, a checkpoint is made durable and signed, cosignatures are sought, and it is published when they are a
/// quorum; what was published last stays until then. A checkpoint that the signer's guard refuses is not signed, and the
/// events go on being integrated without one. Neither keeps events from being taken.
package final class LedgerView: View {
    package let name = "ledger"
    /// How often a checkpoint is published. A leaf is under a signed checkpoint at most this much, and one
    /// publication, after its acknowledgement.
    package static let publishInterval = Duration.seconds(1)
    /// How long cosignatures are sought for one checkpoint before a newer one takes its place: longer than a witness may take
    /// to answer, so that a slow one is not asked in vain for ever.
    package static let seekInterval = Duration.seconds(20)
    /// How long the end of a run waits for witnesses.
    package static let finalWait = Duration.seconds(2)

    private struct Sought {
        let signed: SignedCheckpoint
        let since: ContinuousClock.Instant
        /// When the quorum was there.
        var quorumSince: ContinuousClock.Instant?
    }

    private let writer: LedgerWriter
    private let publication: Publication
    private let cosigning: Cosigning?
    private let isOverlapOver: () -> Bool
    private let now: () -> ContinuousClock.Instant
    private var lastSigned: ContinuousClock.Instant
    private var sought: Sought?
    private var isGuardChecked = false

    /// - Parameters:
    ///   - publication: where to say how publication stands; nothing is signed before it is open.
    ///   - cosigning: the witnesses whose quorum comes before publication; `nil` when none is asked for.
    ///   - isOverlapOver: whether earlier keys of the log stop signing now.
    ///   - now: The clock that the intervals are measured by.
    package init(
        _ writer: LedgerWriter, publication: Publication = Publication(isOpen: true), cosigning: Cosigning? = nil,
        isOverlapOver: @escaping () -> Bool = { false }, now: @escaping () -> ContinuousClock.Instant = { .now }
    ) {
        self.isOverlapOver = isOverlapOver
        self.writer = writer
        self.publication = publication
        self.cosigning = cosigning
        self.now = now
        lastSigned = now() - Self.publishInterval
    }

    package var cursor: LeafIndex { LeafIndex(writer.size) }
    package var durableCursor: LeafIndex { LeafIndex(writer.durableSize) }

    package func process(_ batch: CommittedBatch) throws {
        let skipped = Int(cursor.rawValue - min(cursor.rawValue, batch.firstIndex.rawValue))
        try writer.append(
            skipped == 0 ? batch.entries : Array(batch.entries.dropFirst(skipped)),
            at: batch.firstIndex.rawValue + UInt64(skipped))
    }

    package func tick() throws {
        guard publication.isOpen else { return }
        let moment = now()
        if sought != nil { try collect(at: moment) }
        publication.note(hasNews: writer.size > writer.reader.size, at: moment)
        let patience = sought == nil ? Self.publishInterval : Self.seekInterval
        guard moment - lastSigned >= patience else { return }
        lastSigned = moment
        try sign(at: moment)
        publication.note(hasNews: writer.size > writer.reader.size, at: moment)
    }

    package func finish() throws {
        // Before everything was replayed, nothing may be signed; what is there is made durable all the same.
        guard publication.isOpen else { return try makeDurable() }
        if sought != nil { try collect(at: now()) }
        try sign(at: now())
        let deadline = ContinuousClock.now + Self.finalWait
        while let cosigning, sought != nil, ContinuousClock.now < deadline {
            if cosigning.outcome.isQuorum { return try publish(cosigning.outcome.signatures) }
            if cosigning.outcome.isComplete { return }
            // The view's own thread, which has nothing else to do any more.
            Thread.sleep(forTimeInterval: 0.02)
        }
    }

    /// Signs what there is, and publishes it or seeks cosignatures for it.
    private func sign(at moment: ContinuousClock.Instant) throws {
        if isOverlapOver() { writer.retireEarlierKeys() }
        do {
            if !isGuardChecked {
                // A quiet server that was rolled back is to say so at once, not with its next event.
                try writer.checkGuard()
                isGuardChecked = true
            }
            guard let cosigning else {
                try writer.publish()
                return publication.note(nil)
            }
            guard let signed = try writer.prepare() else { return publication.note(nil) }
            guard signed.checkpoint != sought?.signed.checkpoint else { return }
            // What was refused before is signed now: it waits for its witnesses, and for nothing else.
            if case .refused = publication.hindrance { publication.note(nil) }
            sought = Sought(signed: signed, since: moment)
            cosigning.seek(signed, proofs: writer.proofs)
        } catch let error as LedgerError where Self.refusals.contains(error.code) {
            publication.note(.refused(error))
            try makeDurable()
        }
    }

    /// Publishes what is sought when its quorum is there.
    private func collect(at moment: ContinuousClock.Instant) throws {
        guard let cosigning else { return }
        let outcome = cosigning.outcome
        guard outcome.isQuorum else {
            // Half a second is what witnesses take; after that there is something to say.
            if let since = sought?.since, moment - since >= .milliseconds(500) {
                publication.note(.quorum(missing: Self.missing(cosigning)))
            }
            return
        }
        let quorumSince = sought?.quorumSince ?? moment
        sought?.quorumSince = quorumSince
        guard outcome.isComplete || moment - quorumSince >= cosigning.limits.grace else { return }
        try publish(outcome.signatures)
    }

    private func publish(_ cosignatures: [SignedNote.Signature]) throws {
        guard let signed = sought?.signed else { return }
        try writer.publish(signed.adding(cosignatures))
        sought = nil
        publication.note(nil)
    }

    /// Without a checkpoint the entries are kept all the same, so that the journal can forget them.
    private func makeDurable() throws {
        do {
            try writer.synchronize()
        } catch let error as LedgerError where Self.refusals.contains(error.code) {
            // Not even the checkpoint of the empty log may be signed: what is here stays in the journal.
        }
    }

    private static func missing(_ cosigning: Cosigning) -> String {
        cosigning.statuses.filter { $0.failure != nil }.map { "\($0.name): \($0.failure?.reason ?? "")" }
            .joined(separator: "; ")
    }

    /// What keeps a checkpoint from being signed and is no damage of the disk.
    private static let refusals: Set<LedgerError.Code> = [.fork, .rollback, .guardLost]
}
