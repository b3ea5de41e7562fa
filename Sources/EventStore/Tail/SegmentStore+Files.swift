import DurableFiles
import EventModel
import Journal

// Segment files: written by jobs in the background, taken over by the owner, published in the manifest.

extension SegmentStore {
    private static let nanosecondsOfDay: Int64 = 86_400_000_000_000

    /// Takes over finished jobs and begins new ones.
    func maintain(now: Timestamp) throws {
        try takeOverFinished()
        try workOnOrders()
        if failure != nil, retryTime == nil { retryTime = now.advanced(byNanoseconds: settings.retryDelay) }
        if let retryTime {
            guard now >= retryTime else { return }
            self.retryTime = nil
            failure = nil
        }
        if sealJob == nil, let state = partitions.values.filter({ isDue($0, now) }).min(by: isOlder) {
            startSeal(state)
        }
        // What is merged now could not be rewritten at the same time.
        if mergeJob == nil, rewriting == nil { startMerge() }
        try takeOverFinished()
        for state in partitions.values where state.memory.isEmpty && isOver(state.partition, now) { state.dropWriter() }
    }

    private func takeOverFinished() throws {
        if let result = sealJob?.job.finished { try takeOverSeal(result) }
        if let result = mergeJob?.job.finished { try takeOverMerge(result) }
    }

    /// Waits for running jobs.
    func finishJobs() throws {
        if let job = sealJob?.job { try takeOverSeal(job.wait()) }
        if let job = mergeJob?.job { try takeOverMerge(job.wait()) }
    }

    /// The first leaf that is in no durable segment.
    var durableNow: LeafIndex {
        partitions.values.compactMap(\.firstUnsealed).min() ?? nextIndex
    }

    // MARK: Sealing

    private func isDue(_ state: PartitionState, _ now: Timestamp) -> Bool {
        guard let first = state.memory.first else { return false }
        return state.memoryRows >= settings.sealRows || state.memoryBytes >= UInt64(settings.sealBytes)
            || isOver(state.partition, now) || nextIndex.rawValue - first.header.firstIndex > settings.sealSpan
    }

    /// Whether a partition gets no more rows but late ones.
    private func isOver(_ partition: JournalPartition, _ now: Timestamp) -> Bool {
        now.rawValue >= (Int64(partition.day) + 1) * Self.nanosecondsOfDay + settings.sealDelayAfterDay
    }

    private func isOlder(_ left: PartitionState, _ right: PartitionState) -> Bool {
        guard let first = left.firstUnsealed, let second = right.firstUnsealed else { return left.firstUnsealed != nil }
        return first < second
    }

    /// Begins to write what a partition has in memory.
    func startSeal(_ state: PartitionState) {
        let inputs = state.memory
        let (directory, level) = (directory, settings.compressionLevel)
        state.sealingCount = inputs.count
        let job = StoreJob(inBackground: settings.worksInBackground, name: "custody-seal") {
            try directory.write(SegmentMerger(inputs, compressionLevel: level))
        }
        sealJob = (job, state)
    }

    private func takeOverSeal(_ result: Result<SegmentReader, any Error>) throws {
        guard let state = sealJob?.state else { return }
        sealJob = nil
        let count = state.sealingCount
        state.sealingCount = 0
        guard let reader = try accepted(result) else { return }
        let sealed = Array(state.memory.prefix(count))
        let sealedBefore = state.sealedThrough
        state.memory.removeFirst(count)
        state.sealedThrough = reader.header.lastIndex
        let refusal = try publish(reader) { $0.sealed[state.partition] = reader.header.lastIndex }
        if let refusal {
            // Only now may a snapshot be made again: between removal and return it would lack these rows.
            state.memory.insert(contentsOf: sealed, at: 0)
            state.sealedThrough = sealedBefore
            note(refusal)
            return
        }
        state.files.append(.init(entry: SegmentEntry(reader), reader: reader))
        counters.seals += 1
        counters.sealedRows += reader.rowCount
        publishSnapshot()
    }

    // MARK: Merging files

    private func startMerge() {
        for state in partitions.values {
            guard let range = state.filesToMerge(settings) else { continue }
            let inputs = state.files[range].compactMap(\.reader)
            guard !inputs.contains(where: { view.isQuarantined($0.name) }) else {
                state.canMergeFiles = false
                continue
            }
            let (directory, level) = (directory, settings.compressionLevel)
            let job = StoreJob(inBackground: settings.worksInBackground, name: "custody-merge") {
                try directory.write(SegmentMerger(inputs, compressionLevel: level))
            }
            mergeJob = (job, state, range)
            return
        }
    }

    private func takeOverMerge(_ result: Result<SegmentReader, any Error>) throws {
        guard let (_, state, range) = mergeJob else { return }
        mergeJob = nil
        // A damaged input would fail again. The files stay as they are and searchable where they are sound; the next
        // read of the damaged page, and verification, say which it is.
        if case .failure(let error) = result, error is EventStoreError { state.canMergeFiles = false }
        guard let reader = try accepted(result) else { return }
        let replaced = state.files[range].map(\.entry)
        if let refusal = try publish(reader, { $0.segments.removeAll { replaced.contains($0) } }) {
            note(refusal)
            return
        }
        state.files.replaceSubrange(range, with: [.init(entry: SegmentEntry(reader), reader: reader)])
        counters.fileMerges += 1
        counters.fileMergedRows += reader.rowCount
        publishSnapshot()
        // Readers that still map the old files keep them; a file that cannot be removed is a stray at the next start.
        for old in replaced { try? directory.remove(old.path) }
    }

    // MARK: Both

    /// What a job brought; nil after a failure that can be tried again.
    func accepted<Output>(_ result: Result<Output, any Error>) throws -> Output? {
        switch result {
        case .success(let output):
            return output
        case .failure(let error):
            if let error = error as? DurableFilesError, error.code == .syncFailed || error.code == .powerLost {
                throw error
            }
            note(error)
            return nil
        }
    }

    private func note(_ error: any Error) {
        failure = error
        counters.failures += 1
        publishSnapshot()
    }

    /// Publishes a manifest with a new segment. Returns the error when there was no space for it: nothing has changed then.
    ///
    /// - Throws: for any other failure. The old or the new manifest may then be the one on disk.
    private func publish(_ reader: SegmentReader, _ change: (inout Manifest) -> Void) throws -> DurableFilesError? {
        do {
            try publishManifest {
                change(&$0)
                $0.segments.append(SegmentEntry(reader))
            }
            return nil
        } catch let error as DurableFilesError where error.code == .diskFull {
            // Space runs out only before the manifest's rename, so no manifest names the file.
            try? directory.remove(reader.name)
            return error
        }
    }

    /// Publishes a changed manifest; the store's own copy changes only when that has succeeded.
    func publishManifest(_ change: (inout Manifest) -> Void) throws {
        var changed = manifest
        change(&changed)
        changed.durable = max(manifest.durable, durableNow)
        changed.segments.sort {
            $0.partition == $1.partition
                ? $0.indexes.lowerBound < $1.indexes.lowerBound : $0.partition.precedes($1.partition)
        }
        // Once everything up to a partition's last leaf is durable, no replay can bring it again.
        let named = Set(changed.segments.map(\.partition))
        changed.sealed = changed.sealed.filter { named.contains($0.key) || $0.value >= changed.durable.rawValue }
        try directory.publish(changed)
        manifest = changed
    }
}
