import DurableFiles
import EventModel

// What was read again: begun, published and forgotten by the store's owner, so that no search sees a part of it and nothing that
// is destroyed stays in it.

extension SegmentStore {
    /// Writes everything to segments, which is what is read again, and opens a draft.
    func beginOverlay(of source: String) throws -> OverlayDraft {
        guard var set = overlays else { throw EventStoreError(.refused, "this store keeps no overlays") }
        guard set.draft == nil else {
            throw EventStoreError(.refused, "another source is being read again; one at a time")
        }
        try seal()
        let draft = OverlayDraft(
            source: source, segments: view.segments(), earlier: set.readers(of: source), directory: set.directory,
            settings: settings, generation: set.nextGeneration)
        set.draft = draft
        overlays = set
        return draft
    }

    /// Makes a draft the reading that searches see.
    ///
    /// - Throws: `refused` when events were destroyed since it began; `DurableFilesError` `diskFull`. Nothing has changed then.
    func publishOverlay(_ draft: OverlayDraft) throws {
        try endOverlay(draft)
        let made = try draft.close()
        do {
            try overlays?.publish(made, of: draft.source)
        } catch let error as DurableFilesError where error.code == .diskFull {
            // Space runs out only before the manifest's rename, so nothing names the files.
            try draft.discard(made)
            throw error
        }
        publishSnapshot()
    }

    /// Lets go of a draft that is not to be published.
    func abandonOverlay(_ draft: OverlayDraft) throws {
        try draft.abandon()
        if overlays?.draft === draft { overlays?.draft = nil }
    }

    private func endOverlay(_ draft: OverlayDraft) throws {
        guard overlays?.draft === draft else {
            throw EventStoreError(.refused, "events were destroyed meanwhile; start it again")
        }
        overlays?.draft = nil
    }

    /// Takes what is to be destroyed out of the overlays, and ends a draft, which might hold it.
    ///
    /// - Returns: whether anything changed.
    func forgetInOverlays(_ change: SegmentRewrite) throws -> Bool {
        guard let set = overlays else { return false }
        try set.draft?.abandon()
        overlays?.draft = nil
        let changes = try set.changes(for: change)
        guard !changes.isEmpty else { return false }
        var made: [(source: String, reader: SegmentReader)] = []
        do {
            for (file, rest) in changes {
                guard let rest, let reader = file.reader else { continue }
                let rewriter = SegmentRewriter(source: reader, change: rest, settings: settings)
                made += try rewriter.write(to: set.directory.segments).map { (file.source, $0) }
            }
            try overlays?.replace(changes.map(\.file), by: made)
        } catch let error as DurableFilesError where error.code == .diskFull {
            for (_, reader) in made { try set.directory.segments.remove(reader) }
            throw error
        }
        publishSnapshot()
        return true
    }
}
