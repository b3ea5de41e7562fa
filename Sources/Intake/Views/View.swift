package import EventModel

/// Something derived from the ledger's order of events: the tree, the search index, detection, lineage.
///
/// A view sees every event once, in order, on a thread of its own, and can say how far it is. It can be dropped and rebuilt.
package protocol View: AnyObject {
    var name: String { get }

    /// The next index this view wants. Events below it are skipped when a batch overlaps.
    var cursor: LeafIndex { get }

    /// Everything below this index survives a crash in the view's own storage; the journal may forget it.
    var durableCursor: LeafIndex { get }

    /// Takes a batch that begins at or below ``cursor`` and ends above it.
    ///
    /// - Throws: Only what cannot be repaired by trying again. The server then stops, and starts again from the journal.
    func process(_ batch: CommittedBatch) throws

    /// Called when nothing has come for a moment, and at least every ``ViewRunner/tickMilliseconds`` under load: the time to flush, publish, expire.
    func tick() throws

    /// Called once, after the last batch.
    func finish() throws
}
