package import EventModel
package import Journal
import Synchronization

/// A new reading of one source's history while it is being made: files that no manifest names yet.
///
/// One task fills it; the store publishes it as a whole (``StoreOrders/publish(_:)``) or it never was. It is abandoned when events
/// are destroyed meanwhile, because it might hold them: its files are gone before anything else of them goes.
package final class OverlayDraft: Sendable {
    private struct State {
        var isOpen = true
        var made: [SegmentReader] = []
    }

    /// The configured source whose events are read again.
    package let source: String
    /// Everything that was sealed before the draft began, ascending by first leaf: what is to be read.
    package let segments: [SegmentReader]
    /// What the source's events read like before; ascending by first leaf.
    package let earlier: [SegmentReader]
    private let directory: OverlayDirectory
    private let settings: SegmentStoreSettings
    private let generation: Int
    private let state = Mutex(State())

    init(
        source: String, segments: [SegmentReader], earlier: [SegmentReader], directory: OverlayDirectory,
        settings: SegmentStoreSettings, generation: Int
    ) {
        self.source = source
        self.segments = segments
        self.earlier = earlier
        self.directory = directory
        self.settings = settings
        self.generation = generation
    }

    /// Makes what fills the draft with one partition's rows. Partitions come one after the other.
    package func writer(of partition: JournalPartition) throws -> Writer { try Writer(self, partition) }

    /// Removes all files. Nothing can be added or published afterwards.
    ///
    /// - Throws: when a file cannot be removed: nobody would find it when events are destroyed.
    func abandon() throws {
        try state.withLock { state in
            state.isOpen = false
            while let reader = state.made.last {
                try directory.segments.remove(reader)
                state.made.removeLast()
            }
        }
    }

    /// Ends the filling and takes over the files.
    ///
    /// - Throws: `refused` when the draft was abandoned.
    func close() throws -> [SegmentReader] {
        try state.withLock { state in
            guard state.isOpen else { throw Self.abandoned }
            state.isOpen = false
            // From here on they are not the draft's: abandoning it must not remove what is published.
            defer { state.made = [] }
            return state.made
        }
    }

    /// Gives back the files that ``close()`` took when they could not be published.
    func discard(_ made: [SegmentReader]) throws {
        for reader in made { try directory.segments.remove(reader) }
    }

    /// Writes one file. Whoever abandons the draft waits for that, so that no file comes to be afterwards.
    private func add(_ memory: SegmentMemory) throws {
        try state.withLock { state in
            guard state.isOpen else { throw Self.abandoned }
            state.made.append(try directory.segments.write(memory, generation: generation))
        }
    }

    private static var abandoned: EventStoreError {
        EventStoreError(.refused, "events were destroyed meanwhile, so that nothing was published; start it again")
    }

    /// Gathers rows of one partition in ascending leaf order and writes them in files of bounded size, so that what is held in
    /// memory never grows with the history.
    package final class Writer {
        private let draft: OverlayDraft
        private let writer: SegmentWriter

        fileprivate init(_ draft: OverlayDraft, _ partition: JournalPartition) throws {
            self.draft = draft
            writer = try SegmentWriter(
                partition: partition, compressionLevel: draft.settings.compressionLevel)
        }

        /// - Parameter record: the event as it reads now, labelled in `norm.overlay`.
        package func append(_ record: SealedView, index: LeafIndex) throws {
            try writer.append(record, index: index, key: .none)
            if writer.rowCount >= draft.settings.overlayRows || writer.recordBytes >= draft.settings.overlayBytes {
                try finish()
            }
        }

        /// Writes what is left.
        package func finish() throws {
            guard let memory = try writer.finish() else { return }
            try draft.add(memory)
        }
    }
}
